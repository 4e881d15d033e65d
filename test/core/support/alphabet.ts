/** Every event that makes sense in a given world, for exhaustive and for random sequences. */
import type { ConvictionRule } from '../../../src/core/ejection.ts'
import { epoch } from '../../../src/core/epoch.ts'
import type { Command, PoolEvent } from '../../../src/core/events.ts'
import type { UpstreamId } from '../../../src/core/upstream.ts'
import { convicted, drained, hookFinished, ordered, preconnected, probe, tick, trialWorse } from './build.ts'
import type { World } from './invariants.ts'

/** Makes the event for the world it is to happen in; null where there is nothing of the kind to happen. */
export type Letter = Readonly<{ name: string; event(world: World): PoolEvent | null }>

const STEP = 10
const FAR = 60_000

const letter = (name: string, event: (at: number, world: World) => PoolEvent | null): Letter => ({
  name,
  event: (world) => event(world.now + STEP, world),
})

export const probes = (id: UpstreamId): Letter[] => [
  letter(`${id} passes`, (at) => probe(at, id, 'pass')),
  letter(`${id} fails`, (at) => probe(at, id, 'fail')),
]

export const oddProbes = (id: UpstreamId): Letter[] => [
  letter(`${id} fails, traffic fine`, (at) => probe(at, id, 'fail', { trafficFine: true })),
  letter(`${id} leaves`, (at) => probe(at, id, 'leaving')),
  letter(`${id} passes late`, (at) => probe(at, id, 'pass', { latency: 200 })),
]

export const conviction = (id: UpstreamId, rule: ConvictionRule): Letter =>
  letter(`${id} convicted of ${rule}`, (at, { state }) => convicted(at, id, rule, state.epoch))

export const staleConviction = (id: UpstreamId): Letter =>
  letter(`${id} convicted under an older epoch`, (at, { state }) => convicted(at, id, 'crash', epoch(state.epoch - 1)))

export const time: readonly Letter[] = [
  { name: 'woken', event: ({ wake, now }) => (wake === null ? null : tick(Math.max(now, wake))) },
  letter('far later', (at) => tick(at + FAR)),
]

export const switchAnswers: readonly Letter[] = [
  letter('drained', (at, { state }) => (state.phase === 'switching' ? drained(at, state.last, state.epoch) : null)),
  ...[true, false].map((ok) =>
    letter(ok ? 'hook succeeds' : 'hook fails', (at, { state }) => {
      if (state.phase !== 'switching' || (state.step !== 'fence' && state.step !== 'promote')) return null
      return hookFinished(at, state.step, state.epoch, ok)
    }),
  ),
  letter('drained under an older epoch', (at, { state }) =>
    state.phase === 'switching' ? drained(at, state.last, epoch(state.epoch - 1)) : null,
  ),
  letter('hook of an older epoch', (at, { state }) =>
    state.phase === 'switching' ? hookFinished(at, 'promote', epoch(state.epoch - 1), true) : null,
  ),
]

/** What the shell says of a way back. */
export const trialAnswers: readonly Letter[] = [
  letter('connections are open', (at, { state }) => state.trial && preconnected(at, state.trial.to, state.epoch)),
  letter('connections of an older epoch', (at, { state }) =>
    state.trial ? preconnected(at, state.trial.to, epoch(state.epoch - 1)) : null,
  ),
  letter('does worse on trial', (at, { state }) => state.trial && trialWorse(at, state.trial.to, state.epoch)),
]

const order = (command: Command): Letter => letter(JSON.stringify(command), (at) => ordered(at, command))

export const poolCommands: readonly Letter[] = (
  [
    { name: 'switchover', to: null },
    { name: 'failover', force: false },
    { name: 'failover', force: true },
    { name: 'failback' },
    { name: 'pause' },
    { name: 'resume' },
  ] as const
).map(order)

export const upstreamCommands = (id: UpstreamId): Letter[] => [
  order({ name: 'switchover', to: id }),
  order({ name: 'drain', upstream: id, force: false }),
  order({ name: 'drain', upstream: id, force: true }),
  order({ name: 'disable', upstream: id, force: false }),
  order({ name: 'disable', upstream: id, force: true }),
  order({ name: 'enable', upstream: id, force: false }),
]

export function everything(ids: readonly UpstreamId[]): Letter[] {
  const each = ids.flatMap((id) => [
    ...probes(id),
    ...oddProbes(id),
    ...(['crash', 'hang', 'errors', 'gray'] as const).map((rule) => conviction(id, rule)),
    staleConviction(id),
    ...upstreamCommands(id),
  ])
  return [...each, ...time, ...switchAnswers, ...trialAnswers, ...poolCommands]
}

/** What failover and recovery are made of, for longer sequences. */
export function essentials(ids: readonly UpstreamId[]): Letter[] {
  const each = ids.flatMap((id) => [...probes(id), conviction(id, 'crash')])
  return [...each, ...time.slice(0, 1), ...switchAnswers.slice(0, 3), ...trialAnswers]
}
