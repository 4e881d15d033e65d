// A scripted pair behind a proxy of two workers. The kernel deals connections out, so tests open enough of them for both
// workers to have some: with 24 it is one chance in eight million that one has none.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker } from 'node:worker_threads'
import type { RawClient } from '../../support/raw-client.ts'
import type { PairOptions, Request } from '../http/support/pair.ts'
import { Pair, requestText } from '../http/support/pair.ts'

export const MANY = 24

/** Node tells of every thread that is started. */
export class Threads {
  readonly started: Worker[] = []
  private readonly onThread = (message: unknown): void => {
    this.started.push((message as { worker: Worker }).worker)
  }

  constructor() {
    subscribe('worker_threads', this.onThread)
  }

  stop(): void {
    unsubscribe('worker_threads', this.onThread)
  }
}

export const startPair = (options: PairOptions = {}): Promise<Pair> => Pair.start({ workers: 2, ...options })

export const clients = (pair: Pair, count = MANY): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => pair.connect()))

/** The same request on each; resolves with the bodies. */
export async function askAll(asked: readonly RawClient[], request: Request = {}): Promise<string[]> {
  const answers = asked.map(async (client) => {
    client.forget()
    await client.send(requestText(request))
    return (await client.response(request.method ?? 'GET')).body
  })
  return Promise.all(answers)
}

export const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)
