/** From one pool of a configuration to what it promises: the figures, and the notes without which they would mislead. */
import { policyOf } from '../assembly/pool-parts.ts'
import type { PoolConfig } from '../config/schema.ts'
import { FINE_MINIMUM, FINE_WINDOW } from '../core/evidence.ts'
import type { PlanSettings, WorstCase } from '../core/foresight.ts'
import { WIDEST } from '../core/suspicion.ts'
import { RETRY_AFTER } from '../core/switching.ts'
import { worstCases } from '../core/worst-case.ts'
import { longestPauses } from '../probe/prober.ts'
import { CONFIRM_AGAIN } from '../runtime/detection.ts'
import { shortTime } from './lengths.ts'
import type { Names } from './plan-words.ts'

export type PoolPlan = Names &
  Readonly<{
    pool: string
    kind: PoolConfig['kind']
    protocol: PoolConfig['protocol']
    failover: PoolConfig['failover']['mode']
    cases: readonly WorstCase[]
    notes: readonly string[]
  }>

export function poolPlan(pool: string, config: PoolConfig): PoolPlan {
  const { kind, protocol, upstreams, failover } = config
  const active = (upstreams.find(({ role }) => role === 'primary') ?? upstreams[0])?.name ?? ''
  const next = upstreams.find(({ name }) => name !== active)?.name ?? 'nobody'
  const settings = settingsOf(config)
  const cases = worstCases(settings)
  const names = { active, next }
  return { pool, kind, protocol, failover: failover.mode, ...names, cases, notes: notesOn(config, settings, names) }
}

function settingsOf(config: PoolConfig): PlanSettings {
  const { protocol, detect, replay, probe, timeouts } = config
  return {
    protocol,
    policy: policyOf(config),
    gatewayErrors: detect.gateway5xx,
    successRate: detect.successRate,
    hangAfter: detect.hangAfter,
    gray: detect.gray,
    standbyReads: replay.standbyReads,
    probes: { ...longestPauses(probe.interval), prove: asksApplication(probe) },
    confirmAgain: CONFIRM_AGAIN,
    responseHead: timeouts.responseHead,
  }
}

/** The kernel completes a connect for a process that has stopped. */
const asksApplication = (probe: PoolConfig['probe']): boolean => probe.type !== 'tcp' || probe.receive !== undefined

function notesOn(config: PoolConfig, settings: PlanSettings, { active, next }: Names): readonly string[] {
  const { detect, failover, protocol, replay } = config
  const notes = [
    'Worst cases, but for the network, for probes that take their time to fail, and for some 20 ms between two looks.',
    `R3, R4 and R5 take ${active} out only while ${next} answers its own probes; else it may be the network, or Understudy.`,
  ]
  if (detect.widen) {
    const widest = `${shortTime(detect.hangAfter)} may become ${shortTime(WIDEST)}`
    notes.push(`A stall that turns out to be no hang makes R3 more patient for a while: ${widest}.`)
  }
  if (failover.mode !== 'automatic') {
    notes.push(`failover.mode is ${failover.mode}: Understudy tells what it sees, and an operator switches.`)
  }
  if (!settings.probes.prove) {
    notes.push('The probe only connects, which the kernel does for a stopped process, too: give it something to ask.')
  }
  if (protocol === 'http') {
    notes.push('R4 and R5 need failures on two routes (method and first path segment): one broken path moves nothing.')
    notes.push(
      `R7 believes the traffic while ${FINE_MINIMUM} requests succeeded within ${shortTime(FINE_WINDOW)}; with fewer, a failing probe means failover.`,
    )
    notes.push(`Only requests whose body is still kept are sent again: up to ${replay.body} bytes (replay.body).`)
    if (replay.idempotencyKey) notes.push('PUT and POST with an Idempotency-Key are sent again wherever GET is.')
  }
  return [...notes, ...notesOnConnections(config), ...notesOnSwitching(config, settings, active)]
}

function notesOnConnections({ upstreams, protocol, hold }: PoolConfig): readonly string[] {
  const limits = upstreams.flatMap(({ name, maxConnections }) =>
    maxConnections === undefined ? [] : [`${maxConnections} to ${name}`],
  )
  if (limits.length === 0) return []
  const what = protocol === 'http' ? 'A request' : 'A session'
  const end = protocol === 'http' ? 'then it gets 503' : 'then it is reset'
  return [
    `Connections at a time (maxConnections): ${limits.join(', ')}. ${what} that finds none free waits, ${shortTime(hold.time)} at most (hold.time), ${end}.`,
  ]
}

function notesOnSwitching(
  { kind, failback, hold }: PoolConfig,
  settings: PlanSettings,
  active: string,
): readonly string[] {
  const back = {
    automatic: `Back to ${active} by itself, once it has been fit for ${shortTime(failback.after)}; not while failovers come in quick succession.`,
    manual: `Back to ${active} by command only (failback.mode: manual).`,
    never: `Never back to ${active} by itself, nor by the command failback (failback.mode: never).`,
  }[failback.mode]
  if (kind === 'stateless') return [back]
  const longest = Math.max(...worstCases(settings).map(({ switchTakes }) => switchTakes))
  return [
    `A failover that fails in one of its steps leaves nobody active; it is tried again after ${shortTime(RETRY_AFTER)}. A planned switch goes back.`,
    ...(longest > hold.time
      ? [
          `hold.time (${shortTime(hold.time)}) is shorter than a switch may take (${shortTime(longest)}): requests that wait longer get 503.`,
        ]
      : []),
    back,
  ]
}
