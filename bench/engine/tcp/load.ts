// The TCP load process: takes orders from its parent, one at a time, so that its code is warm before anything is timed.
//   forked by load-process.ts
import { runExchanges } from './exchange-load.ts'
import type { TcpOrder, TcpReply } from './orders.ts'
import { runStreams } from './stream-load.ts'

const carryOut = async (order: TcpOrder): Promise<TcpReply> => {
  try {
    return { run: await (order.mode === 'exchange' ? runExchanges(order) : runStreams(order)) }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

process.on('message', async (order: TcpOrder) => {
  process.send?.(await carryOut(order))
})
process.on('disconnect', () => process.exit())
