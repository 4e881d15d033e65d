/** Sends one probe to a server. */
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import type { Probe, ProbeTarget } from '../../../src/probe/probe.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { at, atPath } from '../../support/place.ts'

export const atPort = (port: number): ProbeTarget => ({ id: upstreamId('blue'), ...at(port), tls: null })

export const atSocket = (socketPath: string): ProbeTarget => ({
  id: upstreamId('blue'),
  ...atPath(socketPath),
  tls: null,
})

/** What a probe finds, by the real clock, without the time it took. */
export async function ask(probe: Probe, target: ProbeTarget, timeout = 10_000) {
  // The timers of probes do not keep a process alive.
  const alive = setInterval(() => {}, 1_000)
  const { verdict, failure, detail } = await new Promise<ProbeResult>((resolve) =>
    probe(target, { timeout, clock: systemClock }, resolve),
  )
  clearInterval(alive)
  return { verdict, failure, detail: detail.replace(/ in \d+ ms/, '') }
}
