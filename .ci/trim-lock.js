/**
 * A registry that mirrors only some platforms makes npm write a lock file that names optional packages without locking
 * them, and `npm ci` then refuses the file. Run after every change of dependencies: drops the names that are not locked.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(FILE, 'utf8'))

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const locked = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((place) => lock.packages[place])
    if (!locked) delete entry.optionalDependencies[name]
  }
}

writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
