// What becomes of the vectors where Node's parser reads them first: it reads more than RFC 9112 allows.
import { cutOff, forwarded, refused, type Vector } from '../../wire/vectors/vector.ts'

/** Node reads them as what they were meant to be. */
const REPAIRED = ['two spaces before the target', 'two spaces before the version', 'a bare LF before the request line']
/** Node counts further than we do: the body that it waits for never comes, and that has a deadline. */
export const WAITED_FOR = ['a size of 2^53', 'a size of 2^32 + 5 in 100 digits', 'an endless size']

export function asNodeReads(vector: Vector): Vector {
  const { name } = vector
  if (REPAIRED.includes(name)) return { ...vector, expect: forwarded() }
  if (name === 'a malformed second request')
    return { ...vector, expect: forwarded({ target: '/p/1' }, { target: '/p/2' }) }
  // Routes and hooks judge paths: one that becomes another when it is resolved would lead past them.
  if (name === 'dot segments are not resolved') return { ...vector, expect: refused(400) }
  if (name === 'CHUNKED with whitespace around it') return { ...vector, expect: cutOff(400) }
  if (name === 'HTTP/1.0 with Proxy-Connection only is closed') return { ...vector, seen: {} }
  return vector
}
