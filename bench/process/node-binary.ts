// Which Node runs our child processes: the one of this process if it runs TypeScript as it is, else the one that `npm ci`
// brought. Test runners and shells may have been started with an older system Node.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const OLDEST_THAT_STRIPS_TYPES = 24

export const nodeBinary = (): string => {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= OLDEST_THAT_STRIPS_TYPES) return process.execPath
  const fromCheckout = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
  return existsSync(fromCheckout) ? fromCheckout : process.execPath
}
