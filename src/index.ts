/** The library surface: what a program needs to run the proxy inside itself. Re-exports only. */

export type { Problem, Result as ConfigResult } from './config/load.ts'
export { configFromFlags, formatProblem, loadConfig, parseConfig } from './config/load.ts'
export type { RouteTarget, UnderstudyOptions } from './config/options.ts'
export type { Config } from './config/schema.ts'
export type { Logger, LogOptions } from './logging.ts'
export { createLogger } from './logging.ts'
export type { UnderstudyControl } from './plugin.ts'
export { understudy } from './plugin.ts'
export { systemClock } from './runtime/clock.ts'
export type { RunningListener, StartOptions, Understudy } from './understudy.ts'
export { StartError, startUnderstudy } from './understudy.ts'
