// What a careful author would write today without a proxy library: node:http in front, undici's `dispatch` behind.
import { libraryContender } from './library-contender.ts'

export const undici = libraryContender({
  name: 'undici',
  package: 'undici',
  server: './undici-server.ts',
  engineOnly: true,
})
