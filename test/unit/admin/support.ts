/** An admin API over one simulated pool, asked without sockets. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { AdminOptions } from '../../../src/admin/options.ts'
import { createAdmin } from '../../../src/admin/server.ts'
import type { PoolSnapshot } from '../../../src/admin/views.ts'
import { Notices } from '../../../src/runtime/notices.ts'
import type { Setup } from '../../support/simulated-pool.ts'
import { SimulatedPool } from '../../support/simulated-pool.ts'

export type Answer = Readonly<{
  status: number
  headers: Record<string, unknown>
  text: string
  body: Record<string, unknown>
}>

export type TestApi = Readonly<{
  simulated: SimulatedPool
  app: FastifyInstance
  get(url: string, headers?: Record<string, string>): Promise<Answer>
  post(url: string, payload?: object | string, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}>

export async function testApi(overrides: Partial<AdminOptions> = {}, setup: Setup = {}): Promise<TestApi> {
  const simulated = new SimulatedPool(setup)
  simulated.start()
  simulated.clock.advance(600)
  const notices = new Notices()
  for (const notice of simulated.notices) notices.publish(notice)
  const push = simulated.notices.push.bind(simulated.notices)
  simulated.notices.push = (...more) => {
    for (const notice of more) notices.publish(notice)
    return push(...more)
  }
  const app = await createAdmin({
    pools: new Map([['shop', simulated.pool]]),
    drills: new Map(),
    notices,
    recall: async () => null,
    configView: { admin: { token: '[redacted]' } },
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => 'understudy_epoch 1\n' },
    version: '1.2.3',
    clock: simulated.clock,
    refresh: async () => {},
    listeners: () => [
      { name: 'web', address: '0.0.0.0', port: 8080, pool: 'shop', connections: 2, refused: { connections: 0 } },
    ],
    urlOf: (_pool, upstream) => `http://${upstream}.internal`,
    token: null,
    hosts: [],
    ready: () => true,
    onError: (error) => {
      throw error
    },
    ...overrides,
  })
  const ask = async (options: InjectOptions): Promise<Answer> => {
    const { statusCode, headers, body } = await app.inject(options)
    const json = String(headers['content-type']).startsWith('application/json')
    return { status: statusCode, headers, text: body, body: json ? JSON.parse(body) : {} }
  }
  const host = 'localhost:9900'
  return {
    simulated,
    app,
    get: (url, headers) => ask({ method: 'GET', url, headers: { host, ...headers } }),
    post: (url, payload, headers) =>
      ask({ method: 'POST', url, headers: { host, ...headers }, ...(payload !== undefined && { payload }) }),
    close: async () => {
      await app.close()
      simulated.stop()
    },
  }
}

export function snapshotOf(simulated: SimulatedPool): PoolSnapshot {
  const { pool, clock } = simulated
  return {
    state: pool.state,
    policy: pool.policy,
    load: (id) => pool.ledger(id),
    url: () => null,
    held: pool.held,
    now: clock.now(),
  }
}
