// One run of a load generator, whichever it was.

export const CONNECTIONS = 64

export type LoadRun = {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Socket errors and answers that are not 2xx or 3xx. */
  readonly errors: number
}

export type LoadOptions = {
  readonly port: number
  readonly seconds: number
  readonly cpu: number
  readonly workDir: string
  readonly scheme?: 'http' | 'https'
}

export type LoadGenerator = (options: LoadOptions) => Promise<LoadRun>
