// The end of every fault: listening again, answering everything.
import type { Behaviour } from '../behaviour.ts'

export const normal: Behaviour = {
  begin: (origin) => origin.listen(),
}
