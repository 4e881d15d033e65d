// One execution in a hundred fails with 500, on each origin other ones: a request that failed here would succeed there. Which
// ones follows from the names, so that the bench can tell these failures from those that a proxy adds.
import { crc32 } from 'node:zlib'
import type { Behaviour } from '../behaviour.ts'

const ONE_IN = 100

export const isUnlucky = (origin: string, id: string): boolean => crc32(`${origin} ${id}`) % ONE_IN === 0

export const random500: Behaviour = {
  refuse: (request) => (!request.isHealth && isUnlucky(request.origin, request.id) ? 500 : null),
}
