// Picks registry entries by name; an unknown name is answered with the valid ones.

import { UsageError } from './commands/usage-error.ts'

export const choose = <T extends { readonly name: string }>(
  kind: string,
  all: readonly T[],
  names: readonly string[],
): readonly T[] =>
  names.map((name) => {
    const found = all.find((one) => one.name === name)
    if (found) return found
    throw new UsageError(`unknown ${kind} "${name}"; valid are: ${all.map((one) => one.name).join(', ')}`)
  })
