// The admin API as a script would use it: Node's own client, one connection a request.
import { type IncomingMessage, request } from 'node:http'

type Asked = { readonly port: number; readonly method: string; readonly path: string; readonly body?: object }
export type Answered = { readonly status: number; readonly text: string; readonly headers: IncomingMessage['headers'] }

export function ask({ port, method, path, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 5_000 }
    const sent = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
      response.once('error', reject)
    })
    sent.once('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    sent.once('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export async function getText(port: number, path: string): Promise<string> {
  const { status, text } = await ask({ port, method: 'GET', path })
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`)
  return text
}

export async function getJson<T>(port: number, path: string): Promise<T> {
  return JSON.parse(await getText(port, path)) as T
}

export async function postJson<T>(port: number, path: string, body: object = {}): Promise<T> {
  const { status, text } = await ask({ port, method: 'POST', path, body })
  if (status !== 200) throw new Error(`POST ${path}: ${status} ${text}`)
  return JSON.parse(text) as T
}
