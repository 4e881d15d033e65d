/** Values for the core's tests: upstreams, policies and events, with defaults that a test overrides where it matters. */
import type { ConvictionRule } from '../../../src/core/ejection.ts'
import type { Epoch } from '../../../src/core/epoch.ts'
import type { Command, HookName, PoolEvent } from '../../../src/core/events.ts'
import type { ProbeResult, ProbeVerdict } from '../../../src/core/health.ts'
import type { PoolPolicy } from '../../../src/core/policy.ts'
import { ms } from '../../../src/core/time.ts'
import type { Upstream, UpstreamId } from '../../../src/core/upstream.ts'
import { newUpstream, upstreamId } from '../../../src/core/upstream.ts'

/** Where simulated time begins. Not zero, so that a forgotten zero shows. */
export const START = ms(1_000_000)

export const BLUE = upstreamId('blue')
export const GREEN = upstreamId('green')
export const RED = upstreamId('red')
export const GREY = upstreamId('grey')
export const ALL = [BLUE, GREEN, RED, GREY] as const

/** The first is the primary. */
export function upstreams(count: number): readonly [Upstream, ...Upstream[]] {
  const standbys = ALL.slice(1, count).map((id, index) => newUpstream(id, 'standby', index + 1, START))
  return [newUpstream(BLUE, 'primary', 0, START), ...standbys]
}

export type PolicyChange = {
  kind?: PoolPolicy['kind']
  failover?: PoolPolicy['failover']
  gray?: PoolPolicy['gray']
  failback?: Partial<PoolPolicy['failback']>
  health?: Partial<PoolPolicy['health']>
  drain?: Partial<PoolPolicy['drain']>
  hooks?: Partial<PoolPolicy['hooks']>
}

export function policy(change: PolicyChange = {}): PoolPolicy {
  return {
    kind: change.kind ?? 'stateless',
    failover: change.failover ?? 'automatic',
    gray: change.gray ?? 'switch',
    failback: { mode: 'automatic', after: 30_000, ramp: 0, ...change.failback },
    health: { healthy: 2, unhealthy: 2, ...change.health },
    drain: { timeout: 30_000, upgrade: 300_000, spread: 2_000, failover: 'cut', ...change.drain },
    hold: { time: 2_000 },
    hooks: { fence: false, promote: false, timeout: 10_000, ...change.hooks },
  }
}

export const BOTH_HOOKS = { fence: true, promote: true } as const

/** `answered`: with an answer, if a bad one. */
export function probeResult(verdict: ProbeVerdict, latency = 1, answered = false): ProbeResult {
  const detail = { pass: '200 in 1 ms', fail: 'connection refused', leaving: '503 and Connection: close' }[verdict]
  return { verdict, failure: verdict === 'fail' && !answered ? 'refused' : null, detail, latency: ms(latency) }
}

export type ProbeChoice = { trafficFine?: boolean; latency?: number; answered?: boolean }

export function probe(at: number, upstream: UpstreamId, verdict: ProbeVerdict, choice: ProbeChoice = {}): PoolEvent {
  const { trafficFine = false, latency = 1, answered = false } = choice
  return { type: 'probe-result', at: ms(at), upstream, result: probeResult(verdict, latency, answered), trafficFine }
}

export function convicted(at: number, upstream: UpstreamId, rule: ConvictionRule, epoch: Epoch): PoolEvent {
  return { type: 'convicted', at: ms(at), upstream, epoch, conviction: { rule, detail: `evidence of ${rule}` } }
}

export const OPERATOR = { by: 'ann', why: 'maintenance' } as const

export function ordered(at: number, command: Command, origin: { by: string; why: string } = OPERATOR): PoolEvent {
  return { type: 'command', at: ms(at), command, origin }
}

export const drained = (at: number, upstream: UpstreamId, epoch: Epoch): PoolEvent => ({
  type: 'drained',
  at: ms(at),
  upstream,
  epoch,
})

export const hookFinished = (at: number, hook: HookName, epoch: Epoch, ok: boolean): PoolEvent => ({
  type: 'hook-finished',
  at: ms(at),
  hook,
  epoch,
  ok,
  detail: ok ? 'exit code 0' : 'exit code 1',
})

export const preconnected = (at: number, upstream: UpstreamId, epoch: Epoch): PoolEvent => ({
  type: 'preconnected',
  at: ms(at),
  upstream,
  epoch,
})

export const trialWorse = (at: number, upstream: UpstreamId, epoch: Epoch): PoolEvent => ({
  type: 'trial-worse',
  at: ms(at),
  upstream,
  epoch,
  detail: '7 of its 20 answers failed, 0 of 100 of the active’s',
})

export const tick = (at: number): PoolEvent => ({ type: 'tick', at: ms(at) })
