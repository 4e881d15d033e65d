// The race, on sockets that connect and fail when a test says so.
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Dial, type Where } from '../../../src/wire/dial.ts'
import { KnownAddresses } from '../../../src/wire/known-addresses.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/signal.ts'

class Attempt extends net.Socket {
  readonly where: Where
  constructor(where: Where) {
    super()
    this.where = where
  }

  connects(): void {
    this.emit('connect')
  }

  fails(code: string): void {
    this.emit('error', Object.assign(new Error(code), { code }))
  }
}

let clock: FakeClock
let addresses: KnownAddresses
let attempts: Attempt[]
let won: [Attempt, string] | null
let ends: (NodeJS.ErrnoException | null)[]

const owner = {
  openSocket: (where: Where) => {
    const attempt = new Attempt(where)
    attempts.push(attempt)
    return attempt
  },
  onDialled: (socket: net.Socket, address: string) => {
    won = [socket as Attempt, address]
  },
  onUndialled: (error: NodeJS.ErrnoException | null) => ends.push(error),
}

beforeEach(() => {
  clock = new FakeClock()
  addresses = new KnownAddresses()
  attempts = []
  won = null
  ends = []
})

/** It leaves nothing behind. */
afterEach(() => clock.assertIdle())

function dial(...known: string[]): Dial {
  if (known.length > 0) addresses.learn(known)
  return new Dial({ addresses, port: 80, socketPath: null }, owner, clock)
}

const tried = () => attempts.map(({ where }) => ('host' in where ? where.host : where.path))
const first = () => attempts[0] as Attempt
const last = () => attempts.at(-1) as Attempt

describe('one address', () => {
  it('is tried once when that comes through, and no timer is left', () => {
    dial('10.0.0.1')
    expect(first().where).toEqual({ host: '10.0.0.1', port: 80, noDelay: true })
    first().connects()
    expect(won).toEqual([first(), '10.0.0.1'])
    clock.assertIdle()
  })

  it('is tried a second time after 50 ms beside the first, and not a third time', () => {
    dial('10.0.0.1')
    clock.advance(49)
    expect(tried()).toEqual(['10.0.0.1'])
    clock.advance(1)
    expect(tried()).toEqual(['10.0.0.1', '10.0.0.1'])
    expect(first().destroyed).toBe(false)
    clock.advance(10_000)
    expect(attempts).toHaveLength(2)
    last().connects()
    expect(won?.[0]).toBe(last())
    expect(first().destroyed).toBe(true)
  })

  it('may answer the first attempt after all', () => {
    dial('10.0.0.1')
    clock.advance(60)
    first().connects()
    expect(won?.[0]).toBe(first())
    expect([first().destroyed, last().destroyed]).toEqual([false, true])
  })

  it('that refuses is not asked again', () => {
    dial('10.0.0.1')
    first().fails('ECONNREFUSED')
    expect(attempts).toHaveLength(1)
    expect(ends).toMatchObject([{ code: 'ECONNREFUSED' }])
  })

  it('that refuses late is waited for until both attempts know', () => {
    dial('10.0.0.1')
    clock.advance(50)
    first().fails('ECONNREFUSED')
    expect(ends).toEqual([])
    last().fails('ECONNREFUSED')
    expect(ends).toMatchObject([{ code: 'ECONNREFUSED' }])
  })

  it('far away is left alone for longer', () => {
    for (let count = 0; count < 100; count++) addresses.connected('10.0.0.1', 80)
    dial('10.0.0.1')
    clock.advance(150)
    expect(attempts).toHaveLength(1)
    clock.advance(10)
    expect(attempts).toHaveLength(2)
    last().connects()
  })
})

describe('several addresses', () => {
  it('are tried 50 ms apart, in parallel, and at last the first that has not answered once more', () => {
    dial('10.0.0.1', '10.0.0.2')
    clock.advance(50)
    expect(tried()).toEqual(['10.0.0.1', '10.0.0.2'])
    clock.advance(50)
    expect(tried()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.1'])
    clock.advance(10_000)
    expect(attempts).toHaveLength(3)
    attempts[1]?.connects()
    expect(won).toEqual([attempts[1], '10.0.0.2'])
    expect(attempts.map(({ destroyed }) => destroyed)).toEqual([true, false, true])
  })

  it('cost no time when the one before has failed, and the 50 ms begin anew', () => {
    dial('::1', '10.0.0.1', '10.0.0.2')
    clock.advance(40)
    first().fails('ENETUNREACH')
    expect(tried()).toEqual(['::1', '10.0.0.1'])
    clock.advance(49)
    expect(attempts).toHaveLength(2)
    clock.advance(1)
    expect(tried()).toEqual(['::1', '10.0.0.1', '10.0.0.2'])
    last().connects()
  })

  it('are tried again only where nobody has answered', () => {
    dial('10.0.0.1', '10.0.0.2')
    first().fails('ECONNREFUSED')
    clock.advance(50)
    expect(tried()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.2'])
    last().connects()
  })

  it('are six at a time at most; a failure makes room for the next', () => {
    const all = Array.from({ length: 8 }, (_, index) => `10.0.0.${index}`)
    dial(...all)
    clock.advance(10_000)
    expect(tried()).toEqual(all.slice(0, 6))
    attempts[2]?.fails('EHOSTUNREACH')
    expect(tried()).toEqual(all.slice(0, 7))
    last().connects()
    expect(attempts.filter(({ destroyed }) => !destroyed)).toHaveLength(2)
  })

  it('are begun with the one that won last', () => {
    dial('10.0.0.1', '10.0.0.2')
    clock.advance(50)
    last().connects()
    dial()
    expect(tried().at(-1)).toBe('10.0.0.2')
    last().connects()
  })

  it.each([
    ['a refusal', ['ENETUNREACH', 'ECONNREFUSED'], 'ECONNREFUSED'],
    ['a refusal', ['ECONNREFUSED', 'EHOSTUNREACH'], 'ECONNREFUSED'],
    ['that all are unreachable', ['ENETUNREACH', 'EHOSTUNREACH'], 'EHOSTUNREACH'],
    ['what we ourselves ran out of, which is held against nobody', ['ECONNREFUSED', 'EMFILE'], 'EMFILE'],
  ])('that all fail tell of %s', (_, codes, expected) => {
    dial('::1', '10.0.0.1')
    for (const code of codes) last().fails(code)
    expect(ends).toMatchObject([{ code: expected }])
  })
})

it('a unix socket is tried once, without a timer', () => {
  addresses.learn(['/run/app.sock'])
  new Dial({ addresses, port: 0, socketPath: '/run/app.sock' }, owner, clock)
  clock.assertIdle()
  expect(first().where).toEqual({ path: '/run/app.sock' })
  first().fails('ENOENT')
  expect(ends).toMatchObject([{ code: 'ENOENT' }])
})

it('after a standstill of our own the answer that was waiting counts: no second attempt', () => {
  dial('10.0.0.1')
  clock.onPendingIo = () => first().connects()
  clock.stall(500)
  expect(won?.[0]).toBe(first())
  expect(attempts).toHaveLength(1)
})

describe('a name of which nothing is known yet', () => {
  it('is waited for', () => {
    dial()
    clock.advance(300)
    expect(attempts).toEqual([])
    addresses.learn(['10.0.0.1', '10.0.0.2'])
    expect(tried()).toEqual(['10.0.0.1'])
    clock.advance(50)
    expect(tried()).toEqual(['10.0.0.1', '10.0.0.2'])
    first().connects()
  })

  it('that cannot be resolved fails for that reason', () => {
    dial()
    const problem = new Error('no such name')
    addresses.unresolved(problem)
    expect(ends).toEqual([problem])
  })

  it('is nobody’s any more once the attempt is called off', async () => {
    dial().cancel()
    addresses.learn(['10.0.0.1'])
    await turns()
    expect([attempts, ends]).toEqual([[], [null]])
  })
})

it('called off, it closes all attempts and says so once, later', async () => {
  const dialling = dial('10.0.0.1', '10.0.0.2')
  clock.advance(50)
  dialling.cancel()
  dialling.cancel()
  expect([dialling.over, ends]).toEqual([true, []])
  expect(attempts.every(({ destroyed }) => destroyed)).toBe(true)
  first().fails('ECONNREFUSED')
  last().connects()
  await turns()
  expect([won, ends]).toEqual([null, [null]])
})

it('addresses that change while it runs are for the next one', () => {
  dial('10.0.0.1', '10.0.0.2')
  addresses.learn(['10.0.0.9'])
  clock.advance(50)
  expect(tried()).toEqual(['10.0.0.1', '10.0.0.2'])
  first().connects()
  expect(won?.[1]).toBe('10.0.0.1')
  expect(addresses.order).toEqual(['10.0.0.9'])
})
