// http-proxy 1.18: the library that the product's users come from. See http-proxy-server.ts for what it is made to do.
import { libraryContender } from './library-contender.ts'

export const httpProxy = libraryContender({
  name: 'http-proxy',
  package: 'http-proxy',
  server: './http-proxy-server.ts',
})
