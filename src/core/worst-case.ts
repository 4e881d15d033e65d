/** For each way of failing: the longest time until it is noticed, the rule that notices, and what follows from it. */
import { ERRORS_PER_GATEWAY_ERROR, FINE_WINDOW, RATE_WINDOW, RESETS_TO_CONFIRM } from './evidence.ts'
import type { Consequence, Detected, FailureMode, Moment, PlanSettings, WorstCase } from './foresight.ts'
import { GRAY_FOR } from './gray.ts'
import type { PoolPolicy } from './policy.ts'
import { fatesOf } from './worst-fates.ts'

type Detect = (settings: PlanSettings) => Detected

const at = (ms: number | null, answers: number | null = null): Moment => ({ ms, answers })

/** The next regular probe, and as many in doubt as it takes: of those that get a bad answer at once. */
const redProbes = ({ probes, policy }: PlanSettings): number =>
  probes.regular + (policy.health.unhealthy - 1) * probes.doubtful

const nextSign = ({ probes, confirmAgain }: PlanSettings): number => probes.regular + confirmAgain

const unnoticed: Detected = { rules: [], withTraffic: at(null), idle: null, consequence: 'unnoticed' }
const known = (consequence: Consequence): Detected => ({ ...unnoticed, consequence })

/** Silence begins with what is waited for: a request, else the next probe. TCP sessions may be silent. */
const hang: Detect = ({ hangAfter, probes, protocol }) => {
  const idle = probes.regular + hangAfter
  return { rules: ['R3'], withTraffic: at(protocol === 'tcp' ? idle : hangAfter), idle, consequence: 'failover' }
}

const slow: Detect = ({ gray, protocol }) => {
  if (gray === 'off' || protocol === 'tcp') return unnoticed
  return {
    rules: ['R5'],
    withTraffic: at(GRAY_FOR),
    idle: null,
    consequence: gray === 'switch' ? 'failover' : 'report',
  }
}

const DETECT: Readonly<Record<FailureMode, Detect>> = {
  killed: (settings) => ({
    rules: ['R1'],
    withTraffic: at(settings.confirmAgain),
    idle: nextSign(settings),
    consequence: 'failover',
  }),
  'accepts-and-closes': (settings) => ({
    rules: ['R1', 'R2'],
    withTraffic: at(nextSign(settings), RESETS_TO_CONFIRM),
    idle: nextSign(settings),
    consequence: 'failover',
  }),
  stopped: (settings) => (settings.probes.prove ? hang : slow)(settings),
  blackholed: hang,
  'gateway-errors': (settings) => ({
    rules: ['R4', 'health'],
    // Errors of one route alone are left to the probes, which are not believed while traffic was fine just now (R7).
    withTraffic: at(Math.max(redProbes(settings), FINE_WINDOW + settings.probes.doubtful), settings.gatewayErrors),
    idle: redProbes(settings),
    consequence: 'failover',
  }),
  /** Of a second with at least RATE_MINIMUM answers; fewer say nothing. */
  errors: ({ successRate, gatewayErrors }) => ({
    rules: ['R4'],
    withTraffic: at(successRate > 0 ? RATE_WINDOW : null, gatewayErrors * ERRORS_PER_GATEWAY_ERROR),
    idle: null,
    consequence: 'failover',
  }),
  slow,
  'answers-cut': (settings) => ({
    rules: ['R4'],
    withTraffic: at(null, settings.gatewayErrors),
    idle: null,
    consequence: 'failover',
  }),
  'probe-red': (settings) => {
    const withTraffic = at(redProbes(settings))
    // What TCP carries is never known to be fine.
    if (settings.protocol === 'http') return { rules: ['R7'], withTraffic, idle: null, consequence: 'stays' }
    return { rules: ['health'], withTraffic, idle: redProbes(settings), consequence: 'failover' }
  },
  'one-path': () => known('stays'),
  'both-down': (settings) => ({
    rules: ['R1', 'R8'],
    withTraffic: at(settings.confirmAgain),
    idle: nextSign(settings),
    consequence: 'unavailable',
  }),
  switchover: () => known('planned'),
  restart: () => known('restored'),
}

/** TCP has no answers that could be judged. */
const OF_ANSWERS: readonly FailureMode[] = ['gateway-errors', 'errors', 'slow', 'answers-cut', 'one-path']

export function worstCases(settings: PlanSettings): readonly WorstCase[] {
  const modes = Object.keys(DETECT) as FailureMode[]
  return modes
    .filter((mode) => settings.protocol === 'http' || !OF_ANSWERS.includes(mode))
    .map((mode) => worstCase(mode, settings))
}

function worstCase(mode: FailureMode, settings: PlanSettings): WorstCase {
  const { policy } = settings
  const detected = DETECT[mode](settings)
  const consequence =
    detected.consequence === 'failover' && policy.failover !== 'automatic' ? 'report' : detected.consequence
  const switchTakes = consequence === 'failover' || consequence === 'planned' ? switchTime(consequence, policy) : 0
  const foreseen = { mode, ...detected, consequence, switchTakes }
  return { ...foreseen, clients: fatesOf(foreseen, settings) }
}

/** Steps of a single writer, each of which uses its time up. */
function switchTime(consequence: 'failover' | 'planned', { kind, hooks, hold, drain }: PoolPolicy): number {
  if (kind === 'stateless') return 0
  const drained = consequence === 'planned' ? Math.min(drain.timeout, hold.time) : 0
  const verification = 1
  return drained + (Number(hooks.fence) + Number(hooks.promote) + verification) * hooks.timeout
}
