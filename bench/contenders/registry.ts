// Every contender by name, ours first. To add one: a file beside this one, and a line here.
import { bareSockets } from './bare-sockets.ts'
import { caddy, caddyDefaults } from './caddy.ts'
import type { Contender } from './contender.ts'
import { fastifyHttpProxy } from './fastify-http-proxy.ts'
import { haproxy, haproxyDefaults, haproxyHairTrigger } from './haproxy.ts'
import { httpProxy } from './http-proxy.ts'
import { nginx, nginxDefaults } from './nginx.ts'
import { understudy, understudyWith2Workers, understudyWith100Pools, understudyWith1000Pools } from './understudy.ts'
import { undici } from './undici.ts'

export const contenders: readonly Contender[] = [
  understudy,
  haproxy,
  haproxyHairTrigger,
  haproxyDefaults,
  nginx,
  nginxDefaults,
  caddy,
  caddyDefaults,
  httpProxy,
  fastifyHttpProxy,
  undici,
  bareSockets,
  understudyWith100Pools,
  understudyWith1000Pools,
  understudyWith2Workers,
]
