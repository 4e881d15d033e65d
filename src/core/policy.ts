/** The operator's standing orders for one pool: the part of the configuration that decisions depend on. Times in ms. */
import type { HealthPolicy } from './health.ts'

export type PoolPolicy = Readonly<{
  /** `singleWriter`: the old active's connections are closed before the first byte reaches the new one. */
  kind: 'stateless' | 'singleWriter'
  /** `observe`: nothing moves; what automatic mode would do is recorded. */
  failover: 'automatic' | 'manual' | 'observe'
  /** Rule R5: whether a gray failure moves the traffic, or is only told of. */
  gray: 'switch' | 'report'
  /** `ramp`: how long the preferred upstream is tried with safe requests before it becomes active; 0: not at all. */
  failback: Readonly<{ mode: 'automatic' | 'manual' | 'never'; after: number; ramp: number }>
  health: HealthPolicy
  /** `failover`: whether tunnels to an unfit upstream are cut at once or may finish within `upgrade`. */
  drain: Readonly<{ timeout: number; upgrade: number; spread: number; failover: 'cut' | 'finish' }>
  hold: Readonly<{ time: number }>
  hooks: Readonly<{ fence: boolean; promote: boolean; timeout: number }>
}>
