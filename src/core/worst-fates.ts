/** What clients see of each way of failing, by what they sent: the other half of `worst-case.ts`. */
import type { Consequence, FailureMode, Fate, Fates, Foreseen, PlanSettings } from './foresight.ts'
import type { PoolPolicy } from './policy.ts'
import { SUSPECT_AT } from './suspicion.ts'

type Triple = readonly [safe: Fate, idempotent: Fate, unsafe: Fate]
type Judge = (foreseen: Foreseen, settings: PlanSettings) => Triple

const ANSWERED: Fate = { is: 'answered' }
const FOR_GOOD: Fate = { is: 'for-good' }
const LOST_IN_FLIGHT: Fate = { is: 'lost', ms: 0, answers: null }
const elsewhere = (after: number, budget = false): Fate => ({ is: 'answered-elsewhere', after, budget })
const lost = ({ withTraffic }: Foreseen): Fate => ({ is: 'lost', ...withTraffic })
const passedOn = ({ withTraffic }: Foreseen): Fate => ({ is: 'passed-on', ...withTraffic })
const alike = (fate: Fate): Triple => [fate, fate, fate]

export function fatesOf(foreseen: Foreseen, settings: PlanSettings): Fates {
  if (settings.protocol === 'tcp') return tcpFates(foreseen, settings)
  const [safe, idempotent, unsafe] = httpFates(foreseen, settings)
  return { safe, idempotent, unsafe }
}

function httpFates(foreseen: Foreseen, settings: PlanSettings): Triple {
  if (foreseen.consequence === 'report') return unswitched('until-operator', foreseen, settings)
  if (foreseen.consequence === 'unnoticed') return unswitched('for-good', foreseen, settings)
  return FATES[settings.policy.kind][effectiveMode(foreseen)](foreseen, settings)
}

/** A stopped upstream whose probes see nothing is known by its slowness alone. */
const effectiveMode = ({ mode, rules }: Foreseen): FailureMode => (rules.includes('R5') ? 'slow' : mode)

/** Requests may go to another upstream before any verdict has fallen. */
const mayReplay = ({ policy }: PlanSettings): boolean => policy.kind === 'stateless' && policy.failover === 'automatic'

/** The standby may answer safe requests while the active is suspected, or slow. */
const mayRead = (settings: PlanSettings): boolean => settings.standbyReads && mayReplay(settings)

/** What stalls may still be asked of the standby, too. */
function unswitched(is: 'until-operator' | 'for-good', foreseen: Foreseen, settings: PlanSettings): Triple {
  const hedged = effectiveMode(foreseen) === 'slow' && mayRead(settings)
  return [hedged ? { is: 'hedged' } : { is }, { is }, { is }]
}

const suspectedAfter = ({ hangAfter }: PlanSettings): number => hangAfter * SUSPECT_AT

/** The same for every kind of pool. */
const COMMON = {
  'probe-red': () => alike(ANSWERED),
  'one-path': (_, settings) => [mayReplay(settings) ? elsewhere(0, true) : FOR_GOOD, FOR_GOOD, FOR_GOOD],
  'both-down': (_, { policy }) => alike({ is: 'unavailable', atMost: policy.hold.time }),
  restart: (_, { policy }) => alike({ is: 'restarted', finish: policy.drain.timeout }),
} as const satisfies Partial<Record<FailureMode, Judge>>

const hangBehindStandby: Judge = (_, settings) => {
  const { hangAfter, standbyReads, responseHead, policy } = settings
  const until = Math.min(responseHead, hangAfter + policy.drain.timeout)
  const waits: Fate = { is: 'waits', ms: suspectedAfter(settings), until }
  return [elsewhere(standbyReads ? suspectedAfter(settings) : hangAfter), waits, waits]
}

const STATELESS: Readonly<Record<FailureMode, Judge>> = {
  ...COMMON,
  killed: () => [elsewhere(0), elsewhere(0), LOST_IN_FLIGHT],
  'accepts-and-closes': (foreseen) => [elsewhere(0), elsewhere(0), lost(foreseen)],
  stopped: hangBehindStandby,
  blackholed: hangBehindStandby,
  'gateway-errors': (foreseen) => [elsewhere(0), elsewhere(0), passedOn(foreseen)],
  errors: (foreseen) => [elsewhere(0, true), passedOn(foreseen), passedOn(foreseen)],
  slow: ({ withTraffic }, { standbyReads }) => {
    const slow: Fate = { is: 'slow', ms: withTraffic.ms }
    return [standbyReads ? { is: 'hedged' } : slow, slow, slow]
  },
  'answers-cut': (foreseen) => [elsewhere(0), lost(foreseen), lost(foreseen)],
  switchover: (_, { policy }) => alike({ is: 'moved', finish: policy.drain.timeout }),
}

/** With one writer everything that may be repeated waits for the switch, for the standby must not be asked before it. */
const held = ({ withTraffic, switchTakes }: Foreseen, { policy }: PlanSettings): Fate => {
  const ms = withTraffic.ms === null ? null : withTraffic.ms + switchTakes
  return { is: 'held', ms, atMost: policy.hold.time }
}

/** The cut ends what is in flight, and what may be repeated is. */
const hangOfWriter: Judge = (foreseen, settings) => {
  const waits = held(foreseen, settings)
  return [waits, waits, { is: 'lost', ms: suspectedAfter(settings), answers: null }]
}

const SINGLE_WRITER: Readonly<Record<FailureMode, Judge>> = {
  ...COMMON,
  killed: (foreseen, settings) => [held(foreseen, settings), held(foreseen, settings), LOST_IN_FLIGHT],
  'accepts-and-closes': (foreseen, settings) => [held(foreseen, settings), held(foreseen, settings), lost(foreseen)],
  stopped: hangOfWriter,
  blackholed: hangOfWriter,
  'gateway-errors': (foreseen) => alike(passedOn(foreseen)),
  errors: (foreseen) => alike(passedOn(foreseen)),
  slow: ({ withTraffic: { ms } }) => [
    { is: 'slow', ms },
    { is: 'slow', ms },
    { is: 'lost', ms, answers: null },
  ],
  'answers-cut': (foreseen, settings) => [held(foreseen, settings), lost(foreseen), lost(foreseen)],
  switchover: ({ switchTakes }, { policy }) => alike({ is: 'held', ms: switchTakes, atMost: policy.hold.time }),
}

const FATES: Readonly<Record<PoolPolicy['kind'], Readonly<Record<FailureMode, Judge>>>> = {
  stateless: STATELESS,
  singleWriter: SINGLE_WRITER,
}

/** An established session is bound to its upstream: nobody can say what it would mean to send its bytes again. */
function tcpFates(foreseen: Foreseen, settings: PlanSettings): Fates {
  const { policy } = settings
  const alone = TCP_ALONE[foreseen.consequence]
  if (alone) return { connections: alone, sessions: alone }
  return { connections: newConnections(foreseen, policy), sessions: sessions(foreseen, policy) }
}

/** Where nothing moves, both kinds fare alike. */
const TCP_ALONE: Readonly<Partial<Record<Consequence, Fate>>> = {
  report: { is: 'until-operator' },
  unnoticed: FOR_GOOD,
}

const SILENT: readonly FailureMode[] = ['stopped', 'blackholed']
const BROKEN: readonly FailureMode[] = ['killed', 'accepts-and-closes', 'both-down']

function newConnections(foreseen: Foreseen, { kind, hold, drain }: PoolPolicy): Fate {
  const { mode, consequence, switchTakes } = foreseen
  const noticed = Number(foreseen.withTraffic.ms)
  if (consequence === 'unavailable') return { is: 'unavailable', atMost: hold.time }
  if (consequence === 'restored') return { is: 'restarted', finish: drain.spread }
  if (kind === 'singleWriter') return { is: 'held', ms: noticed + switchTakes, atMost: hold.time }
  if (consequence === 'planned') return ANSWERED
  return elsewhere(SILENT.includes(mode) ? noticed : 0)
}

/** A broken session is known as such to both ends at once; the others end when the pool has noticed. */
function sessions({ mode, consequence, withTraffic }: Foreseen, { kind, drain }: PoolPolicy): Fate {
  if (BROKEN.includes(mode)) return { is: 'cut', after: 0, spread: 0 }
  const noticed = Number(withTraffic.ms)
  if (consequence === 'restored') return { is: 'cut', after: noticed, spread: drain.spread }
  if (kind === 'singleWriter') return { is: 'cut', after: noticed, spread: 0 }
  const finishes = consequence === 'planned' || drain.failover === 'finish'
  return { is: 'cut', after: noticed + (finishes ? drain.upgrade : 0), spread: drain.spread }
}
