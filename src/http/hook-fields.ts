/** Fields that hooks of an application have set on an answer before its upstream gives it. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { FieldList } from './answer-sink.ts'

/** Framing is the upstream's, the connection is the server's. */
const NEVER = /^(?:connection|proxy-connection|keep-alive|transfer-encoding|content-length|trailer|upgrade|te)$/
/** Lists whose members mean something each. */
const BOTH = new Set(['set-cookie', 'vary'])

/** Throws what Node would throw at them, while Fastify can still answer that. */
export function hookFields(reply: FastifyReply): FieldList {
  return Object.entries(reply.getHeaders()).flatMap(([name, value]) => {
    if (value === undefined || NEVER.test(name.toLowerCase())) return []
    validateHeaderName(name)
    return [value].flat().map((each) => {
      validateHeaderValue(name, `${each}`)
      return [name, `${each}`] as const
    })
  })
}

/** What the upstream says of the same name wins; cookies and Vary are of both. */
export function withHookFields(fields: FieldList, added: FieldList): FieldList {
  if (added.length === 0) return fields
  const said = new Set(fields.map(([name]) => name.toLowerCase()))
  const kept = added.filter(([name]) => !said.has(name.toLowerCase()) || BOTH.has(name.toLowerCase()))
  return [...kept, ...fields]
}
