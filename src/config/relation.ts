/**
 * One thing that only makes sense between keys, as a rule tells it: a rule looks at a whole, resolved configuration and does
 * not know about files or lines. A rule that compares names the other paths it `reads`, so that it stays silent when one of
 * them is already known to be wrong.
 */
import type { Finding, Path } from './problems.ts'

export type Relation = Finding & Readonly<{ severity: 'error' | 'warning'; reads?: readonly Path[] }>

export const error = (path: Path, message: string, reads: readonly Path[] = []): Relation => ({
  severity: 'error',
  path,
  message,
  reads,
})

export const warning = (path: Path, message: string, reads: readonly Path[] = []): Relation => ({
  ...error(path, message, reads),
  severity: 'warning',
})

export const when = (condition: boolean, relation: () => Relation): readonly Relation[] =>
  condition ? [relation()] : []
