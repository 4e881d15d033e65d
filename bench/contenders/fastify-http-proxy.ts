// @fastify/http-proxy: what a Fastify application would take. It has no failover of its own.
import { libraryContender } from './library-contender.ts'

export const fastifyHttpProxy = libraryContender({
  name: 'fastify-http-proxy',
  package: '@fastify/http-proxy',
  server: './fastify-http-proxy-server.ts',
  engineOnly: true,
})
