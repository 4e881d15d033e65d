// Runs h2load once over TLS and reads its report.
import { runToEnd } from '../../process/run-to-end.ts'
import type { Run } from '../engine-bench.ts'

export type H2loadOptions = {
  readonly protocol: 'h2' | 'http/1.1'
  readonly connections: number
  /** Requests under way on each connection. */
  readonly streams: number
  readonly port: number
  readonly seconds: number
  readonly cpu: number | undefined
  readonly workDir: string
}

const numberIn = (text: string, pattern: RegExp): number => {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`h2load reported nothing usable:\n${text.slice(-1_000)}`)
  return Number(found)
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1 }

/** `1.50s`, `980.12ms`. */
const elapsedIn = (text: string): number => {
  const [, figure, unit] = /^finished in ([\d.]+)(us|ms|s),/m.exec(text) ?? []
  if (figure === undefined || unit === undefined) throw new Error(`h2load reported no time:\n${text.slice(-1_000)}`)
  return Number(figure) * (UNIT_SECONDS[unit] ?? Number.NaN)
}

/** Throws where another protocol than the wanted one was spoken: h2load takes what the server offers. */
export const parseH2loadReport = (text: string, protocol: H2loadOptions['protocol']): Run => {
  const spoken = /^Application protocol: (\S+)/m.exec(text)?.[1]
  if (spoken !== protocol) {
    throw new Error(`h2load spoke ${spoken ?? 'nothing'} instead of ${protocol}:\n${text.slice(-1_000)}`)
  }
  const count = (name: string) => numberIn(text, new RegExp(`^requests:.* (\\d+) ${name}`, 'm'))
  const statuses = (kind: string) => numberIn(text, new RegExp(`^status codes:.* (\\d+) ${kind}xx`, 'm'))
  return {
    amount: statuses('2'),
    seconds: elapsedIn(text),
    // It gives the mean, but no percentiles.
    p50Ms: null,
    p99Ms: null,
    errors: count('failed') + count('errored') + count('timeout') + statuses('3') + statuses('4') + statuses('5'),
  }
}

export const runH2load = async (options: H2loadOptions): Promise<Run> => {
  const { protocol, connections, streams, port, seconds, cpu, workDir } = options
  const args = ['-t1', `-c${connections}`, `-m${streams}`, `-D${Math.round(seconds * 1_000)}ms`]
  if (protocol === 'http/1.1') args.push('--h1')
  args.push(`https://127.0.0.1:${port}/`)
  return parseH2loadReport(await runToEnd({ name: 'h2load', command: 'h2load', args, workDir, cpu }), protocol)
}
