// Figures as they stand in tables.
import { median } from './statistics.ts'

export const figure = (value: number, digits: number): string => value.toFixed(digits)

/** `12`, or `12 (9–40)` when they differ. */
export const summary = (values: readonly number[], digits: number): string => {
  const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)].map((v) => figure(v, digits))
  return low === high ? `${middle}` : `${middle} (${low}–${high})`
}
