// One request over HTTP/1.1 and TLS, with the certificate checked.
import { request } from 'node:https'
import type { HttpAnswer } from '../expect-answer.ts'

const DEADLINE_MS = 5_000

export const httpsRequest = (port: number, ca: string): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const target = {
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path: '/',
      ca,
      agent: false,
      timeout: DEADLINE_MS,
    }
    const req = request(target, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.once('error', reject)
    })
    req.once('timeout', () => req.destroy(new Error('no answer')))
    req.once('error', reject)
    req.end()
  })
