// All request vectors in one list.

import { connectionVectors } from './connections.ts'
import { fieldLineVectors } from './field-lines.ts'
import { forwardingVectors } from './forwarding.ts'
import { framingVectors } from './framing.ts'
import { hostVectors } from './host.ts'
import { requestLineVectors } from './request-line.ts'
import type { Vector } from './vector.ts'

export const requestVectors: ReadonlyMap<string, readonly Vector[]> = new Map([
  ['request line', requestLineVectors],
  ['host', hostVectors],
  ['field lines', fieldLineVectors],
  ['framing', framingVectors],
  ['forwarding', forwardingVectors],
  ['connections', connectionVectors],
])
