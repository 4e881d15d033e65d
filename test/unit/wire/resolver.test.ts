import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../../../src/wire/lookup.ts'
import { Resolver } from '../../../src/wire/resolver.ts'
import { failureKindOf } from '../../../src/wire/socket-failure.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/signal.ts'

type Asked = { host: string; answer(answer: Answer): Promise<void>; fail(message?: string): Promise<void> }

let clock: FakeClock
let asked: Asked[]
let log: string[]
let resolver: Resolver

beforeEach(() => {
  clock = new FakeClock()
  asked = []
  log = []
  const lookup = (host: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      asked.push({
        host,
        answer: async (answer) => {
          resolve(answer)
          await turns()
        },
        fail: async (message = 'no server of names answers') => {
          reject(Object.assign(new Error(message), { code: 'ECONNREFUSED' }))
          await turns()
        },
      })
    })
  const told = (level: string) => (text: string) => log.push(`${level}: ${text}`)
  resolver = new Resolver('app.internal', { lookup, clock, log: { info: told('info'), warn: told('warn') } })
})

afterEach(() => {
  resolver.stop()
  clock.assertIdle()
})

const at = (...addresses: string[]): Answer => ({ addresses, freshFor: 10_000 })

describe('a name', () => {
  it('is looked up at the start, and again each time that the answer is no longer fresh', async () => {
    resolver.start()
    expect(asked.map(({ host }) => host)).toEqual(['app.internal'])
    await asked[0]?.answer(at('10.0.0.1'))
    clock.advance(9_999)
    expect(asked).toHaveLength(1)
    clock.advance(1)
    expect(asked).toHaveLength(2)
    await asked[1]?.answer({ addresses: ['10.0.0.1'], freshFor: 300_000 })
    clock.advance(299_999)
    expect(asked).toHaveLength(2)
  })

  it('is not looked up again while a look-up hangs, and its addresses stay in use', async () => {
    resolver.start()
    await asked[0]?.answer(at('10.0.0.1'))
    clock.advance(600_000)
    expect(asked).toHaveLength(2)
    expect(resolver.addresses.order).toEqual(['10.0.0.1'])
  })

  it('that moves is found at its new address, and the log tells of it', async () => {
    resolver.start()
    await asked[0]?.answer(at('10.0.0.1', '10.0.0.2'))
    clock.advance(10_000)
    await asked[1]?.answer(at('10.0.0.2', '10.0.0.1'))
    clock.advance(10_000)
    await asked[2]?.answer(at('10.0.0.3'))
    expect(resolver.addresses.order).toEqual(['10.0.0.3'])
    expect(log).toEqual([
      'info: app.internal is at 10.0.0.1, 10.0.0.2',
      'info: app.internal is now at 10.0.0.3; it was at 10.0.0.2, 10.0.0.1',
    ])
  })
})

describe('a resolver that fails', () => {
  it('changes nothing: the last addresses stay in use, said once, and once that it works again', async () => {
    resolver.start()
    await asked[0]?.answer(at('10.0.0.1'))
    clock.advance(10_000)
    await asked[1]?.fail()
    clock.advance(1_000)
    await asked[2]?.fail()
    clock.advance(1_000)
    expect(resolver.addresses.order).toEqual(['10.0.0.1'])
    await asked[3]?.answer(at('10.0.0.1'))
    clock.advance(10_000)
    await asked[4]?.fail('no answer')
    expect(log).toEqual([
      'info: app.internal is at 10.0.0.1',
      'warn: app.internal cannot be resolved: no server of names answers; still taken to be at 10.0.0.1',
      'info: app.internal can be resolved again',
      'warn: app.internal cannot be resolved: no answer; still taken to be at 10.0.0.1',
    ])
  })

  it('is asked again after a second, not after the life of an answer', async () => {
    resolver.start()
    await asked[0]?.fail()
    clock.advance(999)
    expect(asked).toHaveLength(1)
    clock.advance(1)
    expect(asked).toHaveLength(2)
  })

  it('is why nobody can connect, if it never worked: a failure of kind dns, whatever failed there', async () => {
    const told: (NodeJS.ErrnoException | null)[] = []
    resolver.addresses.whenKnown((problem) => told.push(problem))
    resolver.start()
    await asked[0]?.fail()
    expect(told.map((problem) => failureKindOf(problem))).toEqual(['dns'])
    expect(told[0]?.message).toBe('app.internal cannot be resolved: no server of names answers')
    expect(log).toEqual([`warn: ${told[0]?.message}; nobody can connect to it`])
  })

  it('is one that has no addresses to give, too', async () => {
    resolver.start()
    await asked[0]?.answer(at())
    expect(log).toEqual(['warn: app.internal cannot be resolved: it has no address; nobody can connect to it'])
  })
})

it('after the end nothing is looked up, learned or said', async () => {
  resolver.start()
  resolver.stop()
  await asked[0]?.answer(at('10.0.0.1'))
  expect(resolver.addresses.order).toEqual([])
  const [other] = asked.splice(0)
  await other?.fail()
  clock.advance(600_000)
  expect([asked, log]).toEqual([[], []])
})
