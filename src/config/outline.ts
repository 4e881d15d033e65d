/** The schema as plain data (JSON Schema of what people write): for messages, for repairs, for the reference and for editors. */
import { z } from 'zod'
import type { Path } from './problems.ts'
import { configSchema } from './schema.ts'

export type Outline = Readonly<{
  type?: string
  title?: string
  description?: string
  default?: unknown
  /** The default in words, where it depends on another key. */
  defaultNote?: string
  example?: unknown
  /** Of an object whose keys exclude each other: several of it. */
  samples?: readonly unknown[]
  enum?: readonly unknown[]
  pattern?: string
  anyOf?: readonly Outline[]
  properties?: Readonly<Record<string, Outline>>
  required?: readonly string[]
  additionalProperties?: Outline | boolean
  items?: Outline
}>

export const outlineOfConfig = (): Outline => z.toJSONSchema(configSchema, { io: 'input' }) as Outline

function step(outline: Outline | undefined, key: string | number): Outline | undefined {
  if (typeof key === 'number') return outline?.items
  if (outline?.properties !== undefined)
    return Object.hasOwn(outline.properties, key) ? outline.properties[key] : undefined
  return typeof outline?.additionalProperties === 'object' ? outline.additionalProperties : undefined
}

export const outlineAt = (outline: Outline, path: Path): Outline | undefined =>
  path.reduce<Outline | undefined>(step, outline)
