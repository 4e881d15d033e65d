/** The words in which the schemas of the admin API are written. */

export type Schema = Readonly<Record<string, unknown>>

export const text: Schema = { type: 'string' }
export const instant: Schema = { type: 'string', format: 'date-time' }
export const whole: Schema = { type: 'integer' }
export const flag: Schema = { type: 'boolean' }
export const orNull = (schema: Schema): Schema => ({ ...schema, nullable: true })
export const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
export const list = (items: Schema): Schema => ({ type: 'array', items })
export const ref = (name: string): Schema => ({ $ref: `${name}#` })
