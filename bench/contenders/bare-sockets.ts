// No proxy but the yardstick for one: what Node's sockets cost before anything is done with the messages.
import type { Contender } from './contender.ts'
import { libraryContender } from './library-contender.ts'

export const bareSockets: Contender = {
  ...libraryContender({ name: 'bare-sockets', package: 'node', server: './bare-sockets-server.ts', engineOnly: true }),
  yardstick: true,
}
