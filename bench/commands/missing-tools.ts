// What measuring on two cores needs besides the contenders.
import { cpus } from 'node:os'
import { isInstalled } from '../contenders/program-version.ts'

/** `a or b` is satisfied by either. */
export const missingTools = (tools: readonly string[]): string[] => [
  ...tools.filter((tool) => !tool.split(' or ').some(isInstalled)),
  ...(cpus().length < 2 ? ['a second core'] : []),
]
