/** Bounds on what one peer may make us keep or wait for. Times in ms, sizes in bytes. */
export type HeadLimits = Readonly<{ headBytes: number; fields: number; targetBytes: number }>

export type ClientLimits = HeadLimits &
  Readonly<{
    /** From the first byte of a head to its last. */
    headTimeout: number
    /** Between two requests. */
    idleTimeout: number
    /** A client that takes nothing of its answer for this long is cut off. */
    writeStall: number
    /** A request body must keep up this many bytes a second, looked at every `bodyRateEvery` ms. */
    bodyRate: number
    bodyRateEvery: number
  }>

export const DEFAULT_HEAD_LIMITS: HeadLimits = { headBytes: 16_384, fields: 100, targetBytes: 8_192 }

export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  ...DEFAULT_HEAD_LIMITS,
  headTimeout: 10_000,
  idleTimeout: 60_000,
  writeStall: 10_000,
  bodyRate: 1_024,
  bodyRateEvery: 5_000,
}
