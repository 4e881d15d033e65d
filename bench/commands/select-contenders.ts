// Which contenders take part: the chosen ones that are installed; the others are reported as skipped, never an error.
import { choose } from '../choose.ts'
import type { Contender } from '../contenders/contender.ts'
import type { FrontProtocol } from '../contenders/front.ts'
import { contenders } from '../contenders/registry.ts'

export type Selection = {
  readonly present: readonly Contender[]
  readonly versions: Readonly<Record<string, string>>
  readonly skipped: readonly { readonly contender: string; readonly why: string }[]
}

export const isVariant = ({ variantOf }: Contender): boolean => variantOf !== undefined

export const splitNames = (list: string | undefined, all: readonly { readonly name: string }[]): readonly string[] =>
  list === undefined ? all.map(({ name }) => name) : list.split(',').map((name) => name.trim())

type Found = { readonly contender: Contender; readonly version: string | null; readonly missing: string | null }

const find = (contender: Contender, front: FrontProtocol): Found => {
  const version = contender.available()
  const missing = version === null ? 'not available here' : (contender.missingFor?.(front) ?? null)
  return { contender, version, missing }
}

type Which = {
  readonly front?: FrontProtocol
  /** Who does when nobody is named. Default: one configuration of each. */
  readonly takesPart?: (contender: Contender) => boolean
}

export const selectContenders = (list: string | undefined, which: Which = {}): Selection => {
  const { front = 'http', takesPart = (contender) => !isVariant(contender) && !contender.yardstick } = which
  const able = contenders.filter(({ fronts }) => fronts.includes(front))
  const found = choose('contender', able, splitNames(list, able.filter(takesPart))).map((contender) =>
    find(contender, front),
  )
  return {
    present: found.filter(({ missing }) => missing === null).map(({ contender }) => contender),
    versions: Object.fromEntries(
      found.flatMap(({ contender, version, missing }) => (missing === null ? [[contender.name, version ?? '']] : [])),
    ),
    skipped: found.flatMap(({ contender, missing }) =>
      missing === null ? [] : [{ contender: contender.name, why: missing }],
    ),
  }
}
