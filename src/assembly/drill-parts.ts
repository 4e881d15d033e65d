/** How a drill reaches the upstreams of a pool: by the pool's own probe, and by requests as its traffic has them. */
import type { PoolConfig } from '../config/schema.ts'
import type { DrillRequest } from '../core/drill.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { HttpDrillTarget } from '../http/drill-target.ts'
import type { HttpUpstream } from '../http/upstream-endpoint.ts'
import type { Probe, ProbeTarget } from '../probe/probe.ts'
import { tcpProbe } from '../probe/tcp-probe.ts'
import { tlsProbe } from '../probe/tls-probe.ts'
import type { DrillMeans, DrillTarget } from '../runtime/drill.ts'
import type { Sweeper } from '../wire/sweeper.ts'

export type DrillParts = Readonly<{
  config: PoolConfig
  probe: Probe
  targets: readonly ProbeTarget[]
  /** Null in a TCP pool. */
  http: Readonly<{ upstreams: ReadonlyMap<UpstreamId, HttpUpstream>; host: string }> | null
  version: string
  sweeper: Sweeper
}>

export function drillMeans({ config, probe, targets, http, version, sweeper }: DrillParts): DrillMeans {
  const { clock } = sweeper
  const { timeout } = config.probe
  const targetOf = (id: UpstreamId): ProbeTarget => known(targets.find((target) => target.id === id))
  return {
    // What the probe asks for is tried by the probe.
    path: http && '/',
    probe: (id, done) => probe(targetOf(id), { timeout, clock }, done),
    open: (id, path) =>
      http
        ? new HttpDrillTarget(known(http.upstreams.get(id)), sweeper, { path, host: http.host, version })
        : new TcpDrillTarget(targetOf(id), clock),
  }
}

/** Nobody knows what a TCP client would say, so connections are all that is tried: with TLS, handshakes. */
class TcpDrillTarget implements DrillTarget {
  private readonly target: ProbeTarget
  private readonly clock: Clock
  private readonly running = new Set<Cancel>()

  constructor(target: ProbeTarget, clock: Clock) {
    this.target = target
    this.clock = clock
  }

  ask(deadline: Millis, done: (request: DrillRequest) => void): void {
    const { clock, running } = this
    const at = clock.now()
    const connect = this.target.tls === null ? tcpProbe() : tlsProbe()
    const cancel = connect(this.target, { timeout: deadline - at, clock }, ({ verdict, detail, latency }) => {
      running.delete(end)
      done({ at, status: null, failure: verdict === 'pass' ? null : detail, latency })
    })
    const end = (): void => {
      cancel()
      done({ at, status: null, failure: 'called off', latency: clock.now() - at })
    }
    running.add(end)
  }

  close(): void {
    for (const end of this.running) end()
    this.running.clear()
  }
}

function known<Value>(found: Value | undefined): Value {
  if (found === undefined) throw new Error('no such upstream')
  return found
}
