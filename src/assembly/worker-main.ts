/**
 * The entry of a worker thread: listeners and what carries their traffic, as in a proxy of one thread, in front of pools
 * that are decided about elsewhere.
 */
import type { MessagePort } from 'node:worker_threads'
import { parentPort, workerData } from 'node:worker_threads'
import type { LogOutput } from '../log-writer.ts'
import { createLogger } from '../logging.ts'
import { sharedClock } from '../runtime/clock.ts'
import { WatchTimer } from '../runtime/watch-timer.ts'
import { Sweeper } from '../wire/sweeper.ts'
import type { FromWorker, ToWorker } from '../workers/messages.ts'
import { advance } from '../workers/progress.ts'
import { SharedAllowance } from '../workers/shared-allowance.ts'
import { Names } from './names.ts'
import { rehearse } from './rehearsal.ts'
import { requestIds } from './request-ids.ts'
import { WorkerProxy } from './worker-proxy.ts'
import type { WorkerStart } from './worker-start.ts'

async function run(port: MessagePort, start: WorkerStart): Promise<void> {
  const { config, index, shares, version, clockOffset, rehearses, progress } = start
  const send = (message: FromWorker): void => port.postMessage(message)
  const clock = sharedClock(clockOffset)
  const { level, access } = config.log
  const logger = createLogger({ level, access, clock, destination: linesTo(send) })
  if (rehearses) await rehearse({ version, logger })
  const shared = {
    clock,
    sweeper: new Sweeper(clock),
    watchTimer: new WatchTimer(clock),
    names: new Names({ clock, log: logger.log }),
    memory: new SharedAllowance(shares.memory, index),
    logger,
    logsRequests: access !== 'off',
    makeRequestId: requestIds(),
  }
  const proxy = new WorkerProxy(start, shared, send)
  port.on('message', (message: ToWorker) => {
    proxy.receive(message)
    advance(progress)
  })
  shared.names.start()
  send({ type: 'built' })
}

/** The control thread writes them: batches of several threads to one pipe could be torn apart. */
const linesTo = (send: (message: FromWorker) => void): LogOutput => ({
  write: (batch, done) => {
    send({ type: 'lines', text: batch.toString() })
    queueMicrotask(() => done(null, batch.length))
  },
  writeNow: (text) => send({ type: 'lines', text }),
})

if (parentPort) await run(parentPort, workerData as WorkerStart)
