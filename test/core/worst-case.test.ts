import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FailureMode, Fate, PlanSettings, WorstCase } from '../../src/core/foresight.ts'
import type { PoolPolicy } from '../../src/core/policy.ts'
import { worstCases } from '../../src/core/worst-case.ts'
import { policy as poolPolicy } from './support/build.ts'

const POLICY = poolPolicy({ hooks: { timeout: 5_000 } })

const REPEATABLE = { seed: 20_260_102, numRuns: 300 }

/** As the defaults of the configuration have it. */
const DEFAULTS: PlanSettings = {
  protocol: 'http',
  policy: POLICY,
  gatewayErrors: 5,
  successRate: 0.5,
  hangAfter: 400,
  gray: 'switch',
  standbyReads: true,
  probes: { regular: 500, doubtful: 100, prove: true },
  confirmAgain: 6,
  responseHead: 30_000,
}

const plan = (change: Partial<PlanSettings> = {}): ReadonlyMap<FailureMode, WorstCase> =>
  new Map(worstCases({ ...DEFAULTS, ...change }).map((row) => [row.mode, row]))

const of = (mode: FailureMode, change: Partial<PlanSettings> = {}): WorstCase => {
  const row = plan(change).get(mode)
  if (!row) throw new Error(`no row ${mode}`)
  return row
}

const policy = (change: Partial<PoolPolicy>): Partial<PlanSettings> => ({ policy: { ...POLICY, ...change } })

const WRITER = policy({ kind: 'singleWriter', hooks: { fence: true, promote: true, timeout: 10_000 } })

describe('with the defaults', () => {
  test.each([
    ['killed', 'R1', 6, null, 506, 'failover'],
    ['accepts-and-closes', 'R1 R2', 506, 3, 506, 'failover'],
    ['stopped', 'R3', 400, null, 900, 'failover'],
    ['blackholed', 'R3', 400, null, 900, 'failover'],
    ['gateway-errors', 'R4 health', 2_100, 5, 600, 'failover'],
    ['errors', 'R4', 1_000, 15, null, 'failover'],
    ['slow', 'R5', 2_000, null, null, 'failover'],
    ['answers-cut', 'R4', null, 5, null, 'failover'],
    ['probe-red', 'R7', 600, null, null, 'stays'],
    ['one-path', '', null, null, null, 'stays'],
    ['both-down', 'R1 R8', 6, null, 506, 'unavailable'],
    ['switchover', '', null, null, null, 'planned'],
    ['restart', '', null, null, null, 'restored'],
  ] as const)(
    '%s is noticed by %s within %s ms or %s answers, idle %s ms: %s',
    (mode, rules, ms, answers, idle, consequence) => {
      const row = of(mode)
      expect({ ...row, rules: row.rules.join(' ') }).toMatchObject({
        rules,
        withTraffic: { ms, answers },
        idle,
        consequence,
      })
      expect(row.switchTakes).toBe(0)
    },
  )

  test('there is no other row', () => {
    expect([...plan().keys()]).toHaveLength(13)
  })

  const HANG = { is: 'waits', ms: 150, until: 30_000 }
  const elsewhere = (after: number, budget = false) => ({ is: 'answered-elsewhere', after, budget })
  const own = (ms: number, answers: number | null) => ({ is: 'passed-on', ms, answers })

  test.each([
    ['killed', elsewhere(0), elsewhere(0), { is: 'lost', ms: 0, answers: null }],
    ['accepts-and-closes', elsewhere(0), elsewhere(0), { is: 'lost', ms: 506, answers: 3 }],
    ['stopped', elsewhere(150), HANG, HANG],
    ['blackholed', elsewhere(150), HANG, HANG],
    ['gateway-errors', elsewhere(0), elsewhere(0), own(2_100, 5)],
    ['errors', elsewhere(0, true), own(1_000, 15), own(1_000, 15)],
    ['slow', { is: 'hedged' }, { is: 'slow', ms: 2_000 }, { is: 'slow', ms: 2_000 }],
    ['answers-cut', elsewhere(0), { is: 'lost', ms: null, answers: 5 }, { is: 'lost', ms: null, answers: 5 }],
    ['probe-red', { is: 'answered' }, { is: 'answered' }, { is: 'answered' }],
    ['one-path', elsewhere(0, true), { is: 'for-good' }, { is: 'for-good' }],
    ['switchover', { is: 'moved', finish: 30_000 }, { is: 'moved', finish: 30_000 }, { is: 'moved', finish: 30_000 }],
  ] as const)('%s: what becomes of GET, PUT and POST', (mode, safe, idempotent, unsafe) => {
    expect(of(mode).clients).toEqual({ safe, idempotent, unsafe })
  })

  test('with both down, requests wait as long as they may be held', () => {
    expect(of('both-down').clients).toMatchObject({ safe: { is: 'unavailable', atMost: 2_000 } })
    expect(of('restart').clients).toMatchObject({ unsafe: { is: 'restarted', finish: 30_000 } })
  })
})

describe('what settings change', () => {
  test('a rule that is turned off promises nothing', () => {
    expect(of('slow', { gray: 'off' })).toMatchObject({ consequence: 'unnoticed', clients: { safe: { is: 'hedged' } } })
    expect(of('slow', { gray: 'off', standbyReads: false }).clients).toMatchObject({ safe: { is: 'for-good' } })
    expect(of('slow', { gray: 'report' })).toMatchObject({
      consequence: 'report',
      clients: { unsafe: { is: 'until-operator' } },
    })
    expect(of('errors', { successRate: 0 }).withTraffic).toEqual({ ms: null, answers: 15 })
  })

  test('without reads from the standby, safe requests wait for the verdict', () => {
    expect(of('stopped', { standbyReads: false }).clients).toMatchObject({
      safe: { is: 'answered-elsewhere', after: 400 },
    })
    expect(of('slow', { standbyReads: false }).clients).toMatchObject({ safe: { is: 'slow', ms: 2_000 } })
  })

  test('a stopped process answers probes that only connect: all that is left is that requests stall', () => {
    const probes = { ...DEFAULTS.probes, prove: false }
    expect(of('stopped', { probes })).toMatchObject({ rules: ['R5'], idle: null, clients: { safe: { is: 'hedged' } } })
    expect(of('stopped', { probes, gray: 'off' })).toMatchObject({ consequence: 'unnoticed' })
    expect(of('blackholed', { probes })).toMatchObject({ rules: ['R3'], consequence: 'failover' })
  })

  test.each(['killed', 'stopped', 'gateway-errors'] as const)(
    'with manual failover, %s is left to an operator',
    (mode) => {
      const row = of(mode, policy({ failover: 'manual' }))
      expect(row).toMatchObject({ consequence: 'report', withTraffic: of(mode).withTraffic })
      expect(row.clients).toEqual({
        safe: { is: 'until-operator' },
        idempotent: { is: 'until-operator' },
        unsafe: { is: 'until-operator' },
      })
      expect(of('one-path', policy({ failover: 'manual' })).clients).toMatchObject({ safe: { is: 'for-good' } })
    },
  )

  test('a single writer takes its hooks, the verification and, when planned, the drain', () => {
    expect(of('killed', WRITER).switchTakes).toBe(30_000)
    expect(of('switchover', WRITER).switchTakes).toBe(32_000)
    expect(of('killed', policy({ kind: 'singleWriter' })).switchTakes).toBe(5_000)
    expect(of('one-path', WRITER).switchTakes).toBe(0)
  })

  test('behind a single writer, what may be repeated is held, and nothing reaches the standby before the switch', () => {
    const held = { is: 'held', ms: 30_006, atMost: 2_000 }
    expect(of('killed', WRITER).clients).toMatchObject({ safe: held, idempotent: held, unsafe: { is: 'lost', ms: 0 } })
    expect(of('stopped', WRITER).clients).toMatchObject({ idempotent: { is: 'held', ms: 30_400 }, unsafe: { ms: 150 } })
    expect(of('answers-cut', WRITER).clients).toMatchObject({ safe: { is: 'held', ms: null } })
    for (const { clients } of worstCases({ ...DEFAULTS, ...WRITER })) {
      for (const fate of Object.values(clients) as Fate[]) expect(fate.is).not.toMatch(/elsewhere|hedged/)
    }
  })
})

describe('TCP', () => {
  const tcp = (change: Partial<PlanSettings> = {}) => ({ protocol: 'tcp', ...change }) as const

  test('has no answers that could be judged', () => {
    expect([...plan(tcp()).keys()]).toEqual([
      'killed',
      'accepts-and-closes',
      'stopped',
      'blackholed',
      'probe-red',
      'both-down',
      'switchover',
      'restart',
    ])
  })

  test.each([
    ['killed', { is: 'answered-elsewhere', after: 0 }, { is: 'cut', after: 0, spread: 0 }],
    ['stopped', { is: 'answered-elsewhere', after: 900 }, { is: 'cut', after: 900, spread: 2_000 }],
    ['probe-red', { is: 'answered-elsewhere', after: 0 }, { is: 'cut', after: 600, spread: 2_000 }],
    ['both-down', { is: 'unavailable', atMost: 2_000 }, { is: 'cut', after: 0, spread: 0 }],
    ['switchover', { is: 'answered' }, { is: 'cut', after: 300_000, spread: 2_000 }],
    ['restart', { is: 'restarted', finish: 2_000 }, { is: 'cut', after: 0, spread: 2_000 }],
  ] as const)('%s: what becomes of connections and of sessions', (mode, connections, sessions) => {
    expect(of(mode, tcp()).clients).toMatchObject({ connections, sessions })
  })

  test('sessions may finish on an unfit upstream where the pool says so', () => {
    const finish = policy({ drain: { ...POLICY.drain, failover: 'finish' } })
    expect(of('stopped', tcp(finish)).clients).toMatchObject({ sessions: { after: 300_900 } })
  })

  test('a single writer cuts all sessions at once', () => {
    expect(of('stopped', tcp(WRITER)).clients).toEqual({
      connections: { is: 'held', ms: 30_900, atMost: 2_000 },
      sessions: { is: 'cut', after: 900, spread: 0 },
    })
    expect(of('switchover', tcp(WRITER)).clients).toMatchObject({ sessions: { is: 'cut', after: 0, spread: 0 } })
  })

  test('what nobody notices or may switch is not promised', () => {
    const probes = { ...DEFAULTS.probes, prove: false }
    expect(of('stopped', tcp({ probes })).clients).toMatchObject({ sessions: { is: 'for-good' } })
    expect(of('killed', tcp(policy({ failover: 'manual' }))).clients).toMatchObject({
      sessions: { is: 'until-operator' },
    })
  })
})

describe('in every configuration', () => {
  const settings: fc.Arbitrary<PlanSettings> = fc.record({
    protocol: fc.constantFrom('http', 'tcp'),
    policy: fc.record({
      kind: fc.constantFrom('stateless', 'singleWriter'),
      failover: fc.constantFrom('automatic', 'manual'),
      gray: fc.constant(POLICY.gray),
      failback: fc.constant(POLICY.failback),
      health: fc.record({ healthy: fc.integer({ min: 1, max: 9 }), unhealthy: fc.integer({ min: 1, max: 9 }) }),
      drain: fc.constant(POLICY.drain),
      hold: fc.record({ time: fc.integer({ min: 0, max: 60_000 }) }),
      hooks: fc.record({ fence: fc.boolean(), promote: fc.boolean(), timeout: fc.integer({ min: 1, max: 60_000 }) }),
    }),
    gatewayErrors: fc.integer({ min: 1, max: 1_000 }),
    successRate: fc.double({ min: 0, max: 1, noNaN: true }),
    hangAfter: fc.integer({ min: 250, max: 5_000 }),
    gray: fc.constantFrom('switch', 'report', 'off'),
    standbyReads: fc.boolean(),
    probes: fc.record({
      regular: fc.integer({ min: 55, max: 600_000 }),
      doubtful: fc.integer({ min: 55, max: 60_000 }),
      prove: fc.boolean(),
    }),
    confirmAgain: fc.constant(6),
    responseHead: fc.integer({ min: 1, max: 60_000 }),
  })

  /** Everything of a row that says how long something takes. Never is longer than any time. */
  const lengths = ({ withTraffic, idle, switchTakes }: WorstCase): readonly number[] =>
    [withTraffic.ms, withTraffic.answers, idle, switchTakes].map((each) => each ?? Number.POSITIVE_INFINITY)

  test.each([
    ['a longer hangAfter', (s: PlanSettings, more: number) => ({ ...s, hangAfter: s.hangAfter + more })],
    [
      'a longer time between probes',
      (s: PlanSettings, more: number) => ({
        ...s,
        probes: { ...s.probes, regular: s.probes.regular + more, doubtful: s.probes.doubtful + more },
      }),
    ],
    [
      'more bad answers that are borne',
      (s: PlanSettings, more: number) => ({ ...s, gatewayErrors: s.gatewayErrors + more }),
    ],
    [
      'more failed probes that are borne',
      (s: PlanSettings, more: number) => ({
        ...s,
        policy: { ...s.policy, health: { ...s.policy.health, unhealthy: s.policy.health.unhealthy + more } },
      }),
    ],
    [
      'longer hooks',
      (s: PlanSettings, more: number) => ({
        ...s,
        policy: { ...s.policy, hooks: { ...s.policy.hooks, timeout: s.policy.hooks.timeout + more } },
      }),
    ],
  ] as const)('%s never makes anything quicker', (_, change) => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 0, max: 10_000 }), (before, more) => {
        const after = worstCases(change(before, more))
        for (const [index, row] of worstCases(before).entries()) {
          const later = after[index]
          expect(later?.mode).toBe(row.mode)
          for (const [at, length] of lengths(row).entries()) {
            expect(later && lengths(later)[at]).toBeGreaterThanOrEqual(length)
          }
        }
      }),
      REPEATABLE,
    )
  })

  test('nobody is said to switch who must not, and no standby is asked whom nobody may ask', () => {
    fc.assert(
      fc.property(settings, (given) => {
        for (const { consequence, clients } of worstCases(given)) {
          if (given.policy.failover === 'manual') expect(consequence).not.toBe('failover')
          const asksStandby = (Object.values(clients) as Fate[]).some(({ is }) => /elsewhere|hedged/.test(is))
          if (asksStandby) expect(given.policy).toMatchObject({ kind: 'stateless', failover: 'automatic' })
        }
      }),
      REPEATABLE,
    )
  })

  test('idle is never quicker than under traffic, unless errors of one route wait for the traffic before them to fade', () => {
    fc.assert(
      fc.property(settings, (given) => {
        for (const { mode, withTraffic, idle } of worstCases(given)) {
          if (mode === 'gateway-errors' || idle === null || withTraffic.ms === null) continue
          expect(idle).toBeGreaterThanOrEqual(withTraffic.ms)
        }
      }),
      REPEATABLE,
    )
  })
})
