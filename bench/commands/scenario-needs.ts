// Which scenarios cannot be played here, and why: they are skipped and named, never an error.
import { lossyNetworkMissing } from '../network/lossy-network.ts'
import type { Scenario } from '../scenarios/scenario.ts'

export type SkippedScenario = { readonly scenario: string; readonly why: string }

export const missingFor = (chosen: readonly Scenario[]): readonly SkippedScenario[] => {
  const needy = chosen.filter(({ needsNetwork }) => needsNetwork)
  if (needy.length === 0) return []
  const why = lossyNetworkMissing()
  return why === null ? [] : needy.map(({ name }) => ({ scenario: name, why }))
}
