// The same rig with a bare TCP pass-through instead of a proxy: it proves that the checks can fail.

import { connect, createServer, type Socket } from 'node:net'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import type { Rig } from './run-vector.ts'

export type StartedRig = Rig & { stop(): Promise<void> }

export async function startPassThrough(deadline: number): Promise<StartedRig> {
  const upstream = await RecordingUpstream.start()
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const onward = connect({ host: '127.0.0.1', port: upstream.port, allowHalfOpen: true })
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => {
        client.destroy()
        onward.destroy()
      })
    }
    client.pipe(onward).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the pass-through is not listening')
  return {
    port: address.port,
    upstream,
    deadline,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await upstream.stop()
    },
  }
}

/** Does `work` for every item, each worker with a rig of its own. */
export async function share<T>(items: readonly T[], rigs: readonly Rig[], work: (rig: Rig, item: T) => Promise<void>) {
  const queue = [...items]
  await Promise.all(
    rigs.map(async (rig) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(rig, item)
    }),
  )
}
