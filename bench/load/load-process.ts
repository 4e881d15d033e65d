// The parent's handle on one run of the load generator.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import type { LoadShape } from './plan.ts'
import type { Row } from './row.ts'

const OPEN_LOOP = fileURLToPath(new URL('./open-loop.ts', import.meta.url))

export type LoadOptions = LoadShape & {
  readonly port: number
  readonly workDir: string
  readonly timeoutMs?: number | undefined
  /** PEM file of whom to trust: HTTP/2 over TLS. Without it HTTP/1.1 without TLS. */
  readonly http2Ca?: string | undefined
}

export type LoadProcess = {
  /** Monotonic moment at which request 0 is due. */
  readonly startedAt: number
  /** All rows, once the last request has ended. */
  readonly finished: Promise<Row[]>
  stop(): Promise<void>
}

const flags = (options: LoadOptions, rowsFile: string): string[] =>
  Object.entries({
    port: options.port,
    rows: rowsFile,
    rate: options.rate,
    seconds: options.seconds,
    seed: options.seed,
    'post-share': options.postShare,
    'slow-share': options.slowShare,
    'slow-ms': options.slowMs,
    'download-share': options.downloadShare,
    ...(options.timeoutMs === undefined ? {} : { 'timeout-ms': options.timeoutMs }),
    ...(options.http2Ca === undefined ? {} : { 'http2-ca': options.http2Ca }),
  }).flatMap(([name, value]) => [`--${name}`, String(value)])

const readRows = (file: string): Row[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)

export const startLoad = async (options: LoadOptions): Promise<LoadProcess> => {
  const rowsFile = join(options.workDir, 'rows.jsonl')
  const child = await startChild({
    name: 'load generator',
    command: nodeBinary(),
    args: [OPEN_LOOP, ...flags(options, rowsFile)],
    logFile: join(options.workDir, 'load.log'),
    pipeStdout: true,
  })
  const startedAt = await new Promise<number>((resolve, reject) => {
    if (child.process.stdout) {
      const lines = createInterface(child.process.stdout)
      lines.once('line', (line) => resolve((JSON.parse(line) as { startedAt: number }).startedAt))
    }
    void child.exited.then(() => reject(new Error(`the load generator did not start\n${child.output()}`)))
  })
  const finished = child.exited.then(() => {
    if (child.process.exitCode !== 0) throw new Error(`the load generator failed\n${child.output()}`)
    return readRows(rowsFile)
  })
  // Awaited later; a failure before that must not count as unhandled.
  finished.catch(() => {})
  return { startedAt, finished, stop: child.end }
}
