// The static origin's answer, as it must arrive through every proxy.
import { ANSWER } from './static-origin.ts'

export type HttpAnswer = { readonly status: number; readonly body: string }

export const expectAnswer = ({ status, body }: HttpAnswer): void => {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200)}`)
  if (body !== ANSWER) throw new Error(`status 200 with another body: ${JSON.stringify(body.slice(0, 200))}`)
}
