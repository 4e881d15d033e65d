// Scripted answers of an upstream, named for what they are to a proxy.
import type { Answer, Script } from '../../../support/recording-upstream.ts'
import type { StrictRequest } from '../../../support/strict-http.ts'

export const PROBE = '/probe'

/** A whole answer that says who gave it. */
export function whole(status: number, body: string, fields: readonly string[] = []): Answer {
  const more = fields.map((field) => `${field}\r\n`).join('')
  return { bytes: `HTTP/1.1 ${status} Scripted\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}` }
}

export const reset: Answer = { bytes: '', after: 'reset' }
export const halfHead: Answer = { bytes: 'HTTP/1.1 200 OK\r\nContent-', after: 'end' }
/** Small enough to be held back until it is whole, which it never is. */
export const smallCut: Answer = { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it', after: 'end' }
/** Too large to be held back: the client has seen its beginning. */
export const largeCut: Answer = {
  bytes: `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(200_000)}`,
  after: 'end',
}

/** `by NAME`, with a HEAD's body left out. */
export function named(name: string): Script {
  return (request) => {
    const answer = whole(200, `by ${name}`)
    return request.method === 'HEAD' ? { bytes: `${String(answer.bytes).split('\r\n\r\n', 1)[0]}\r\n\r\n` } : answer
  }
}

/** Probes get `probe`, everything else `script`. */
export function besideProbes(script: Script, probe: () => Answer | null): Script {
  return (request, connection) => (request.target === PROBE ? probe() : script(request, connection))
}

export const isProbe = (request: StrictRequest): boolean => request.target === PROBE

/** A gate that the test opens when it has seen what it wanted to see. */
export class Gate {
  readonly opened: Promise<void>
  open: () => void = () => {}

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}
