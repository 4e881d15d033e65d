// Large messages, one way and the other, and answers in chunks.
import { fileURLToPath } from 'node:url'
import type { EngineBench } from '../engine-bench.ts'
import { startOriginProcess } from '../origin-process.ts'
import { bulkBody, CHUNK, CHUNKED_PATH, CHUNKS, pathOf } from './bulk-paths.ts'
import { download } from './download.ts'
import { wrk } from './wrk.ts'

/** The path of the origin of large messages, which `memory` has, too. */
export const BULK_ORIGIN = fileURLToPath(new URL('./bulk-origin.ts', import.meta.url))
const MIB = 2 ** 20
const CONNECTIONS = 16

const expectBytes = async (port: number, path: string, expected: Buffer): Promise<void> => {
  const { status, body } = await download(port, path)
  if (status !== 200 || !body.equals(expected)) throw new Error(`${path}: status ${status}, ${body.length} bytes`)
}

const check = async (port: number): Promise<void> => {
  await expectBytes(port, pathOf(MIB), bulkBody(MIB))
  await expectBytes(port, CHUNKED_PATH, Buffer.concat(Array.from({ length: CHUNKS }, () => bulkBody(CHUNK))))
}

export const largeBench: EngineBench = {
  kind: 'large',
  summary: 'answers and uploads of 1 MiB, answers of 16 chunks',
  protocol: 'http',
  tools: ['wrk', 'taskset'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: true,
  goals: [
    { load: 'download', measure: 'cpu', beside: 'haproxy', atMost: 1 },
    { load: 'upload', measure: 'cpu', beside: 'haproxy', atMost: 1 },
    { load: 'chunked', measure: 'cpu', beside: 'haproxy', atMost: 1.2 },
  ],
  start: async (workDir) => {
    const origin = await startOriginProcess('bulk origin', BULK_ORIGIN, workDir)
    const connections = CONNECTIONS
    const workloads = [
      {
        name: 'download',
        summary: `GET of 1 MiB, ${CONNECTIONS} connections, wrk`,
        unit: 'request',
        run: wrk(workDir, { connections, path: pathOf(MIB) }),
      },
      {
        name: 'upload',
        summary: `POST of 1 MiB, ${CONNECTIONS} connections, wrk`,
        unit: 'request',
        run: wrk(workDir, { connections, method: 'POST', body: MIB }),
      },
      {
        name: 'chunked',
        summary: `GET of ${CHUNKS} × ${CHUNK / 1_024} KiB, chunked, ${CONNECTIONS} connections, wrk`,
        unit: 'request',
        run: wrk(workDir, { connections, path: CHUNKED_PATH }),
      },
    ] as const
    return { front: { protocol: 'http' }, origin, workloads, check, stop: origin.stop }
  },
}
