// One request over HTTP/2 and TLS, with the certificate checked; HTTP/1.1 by ALPN is an error.
import { connect } from 'node:http2'
import type { HttpAnswer } from '../expect-answer.ts'

const DEADLINE_MS = 5_000

export const http2Request = (port: number, ca: string): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    const fail = (error: Error) => {
      session.destroy()
      reject(error)
    }
    session.once('error', fail)
    session.setTimeout(DEADLINE_MS, () => fail(new Error('no answer')))
    const stream = session.request({ ':path': '/' })
    let status = 0
    let body = ''
    stream.setEncoding('utf8')
    stream.once('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('data', (chunk: string) => {
      body += chunk
    })
    stream.once('error', fail)
    stream.once('end', () => {
      session.close()
      resolve({ status, body })
    })
  })
