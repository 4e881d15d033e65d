// A positive number from the command line, or an error that names the option.
import { UsageError } from './usage-error.ts'

export const numberOption = (name: string, value: string): number => {
  const number = Number(value)
  if (Number.isFinite(number) && number > 0) return number
  throw new UsageError(`--${name} needs a number above 0, not "${value}"`)
}
