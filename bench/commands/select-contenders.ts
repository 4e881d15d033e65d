// Which contenders take part: the chosen ones that are installed; the others are reported as skipped, never an error.
import { choose } from '../choose.ts'
import type { Contender } from '../contenders/contender.ts'
import { contenders } from '../contenders/registry.ts'

export type Selection = {
  readonly present: readonly Contender[]
  readonly versions: Readonly<Record<string, string>>
  readonly skipped: readonly { readonly contender: string; readonly why: string }[]
}

export const splitNames = (list: string | undefined, all: readonly { readonly name: string }[]): readonly string[] =>
  list === undefined ? all.map(({ name }) => name) : list.split(',').map((name) => name.trim())

export const selectContenders = (list: string | undefined): Selection => {
  const chosen = choose('contender', contenders, splitNames(list, contenders))
  const found = chosen.map((contender) => ({ contender, version: contender.available() }))
  return {
    present: found.filter(({ version }) => version !== null).map(({ contender }) => contender),
    versions: Object.fromEntries(
      found.flatMap(({ contender, version }) => (version === null ? [] : [[contender.name, version]])),
    ),
    skipped: found
      .filter(({ version }) => version === null)
      .map(({ contender }) => ({ contender: contender.name, why: 'not available here' })),
  }
}
