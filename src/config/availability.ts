/** What the schema knows and this version does not do yet. Refused by name: a feature that is silently ignored is worse. */
import type { Path } from './problems.ts'
import type { Config } from './schema.ts'

type Refusal = Readonly<{ path: Path; message: string }>

const missing = (path: Path, what: string, instead: string): Refusal => ({
  path,
  message: `${what} is not available in this version; ${instead}`,
})

export const unavailable = ({ alerts }: Config): readonly Refusal[] =>
  alerts.length === 0 ? [] : [missing(['alerts'], '`alerts`', 'use GET /events of the admin API or the metrics')]
