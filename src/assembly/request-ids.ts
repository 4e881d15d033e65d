/** Ids for requests that come without one: different in every thread and process. */
import { randomBytes } from 'node:crypto'

export function requestIds(): () => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
