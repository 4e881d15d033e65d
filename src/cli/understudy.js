#!/usr/bin/env node
/**
 * The command. Plain JavaScript that every Node can read: it looks for a Node that can run the rest (24 or later, with
 * type stripping), starts it if this one is too old, and hands over to `main`.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

const OLDEST = 24

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

if (Number.parseInt(process.versions.node, 10) >= OLDEST) await start()
else if (existsSync(here('../../node_modules/.bin/node'))) startAgain(here('../../node_modules/.bin/node'))
else {
  process.stderr.write(
    `understudy: needs Node ${OLDEST} or later, this is ${process.version}; install a newer Node, or run "npm ci" in ${here('../..')}\n`,
  )
  process.exitCode = 1
}

async function start() {
  keepYoung()
  keepCompiled()
  // Node strips no types inside node_modules, so a published package brings what `tsc` made of them.
  const built = here('../../dist/cli/main.js')
  const source = new URL('./main.ts', import.meta.url)
  const published = fileURLToPath(import.meta.url).includes('/node_modules/') || !existsSync(source)
  const { main } = await import(
    published && existsSync(built) ? new URL('../../dist/cli/main.js', import.meta.url).href : source.href
  )
  await main(process.argv)
}

/**
 * Of a connection that is soon over no part may grow old: it keeps all the others from being collected as young. V8 makes what
 * has lived long once where the old live, from then on; and what its Maglev compiler makes of the constructor of Node's sockets
 * has parts of the first 30,000 of them grow old, until a better compiler takes over.
 */
function keepYoung() {
  v8.setFlagsFromString('--no-allocation-site-pretenuring')
  v8.setFlagsFromString('--maglev-filter=-WritableState')
}

/** Half of what a start takes is reading and compiling what has not changed. Beside the code, where who can write is trusted. */
function keepCompiled() {
  const folder = here('../../node_modules/.cache/understudy')
  nodeModule.enableCompileCache(folder)
  // Worker threads look here.
  process.env.NODE_COMPILE_CACHE ??= folder
}

function startAgain(node) {
  // The channel tells the child when this process is gone, even if it was killed and could say nothing.
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, UNDERSTUDY_RELAYED: '1' },
  })
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
  // Ctrl-C reaches the whole foreground group, the child included: passed on, it would count as the second one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('error', (error) => {
    process.stderr.write(`understudy: cannot start ${node}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exit(signal ? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0) : code)
  })
}
