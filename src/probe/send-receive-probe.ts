/** Sends a text and looks for another in what comes back: for text protocols that no other probe speaks. */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import { withTls } from './probe.ts'

export type SendReceiveOptions = Readonly<{
  over: 'tcp' | 'tls'
  /** Null: wait for what the upstream says by itself. */
  send: string | null
  /** Must occur in the first 64 KiB of the answer. Null: any byte is life. */
  receive: string | null
}>

const MAX_ANSWER = 65_536

export function sendReceiveProbe(options: SendReceiveOptions): Probe {
  return (target, limits, done) => {
    const reached = options.over === 'tls' ? withTls(target) : { ...target, tls: null }
    return converse(reached, limits, new SendReceive(options), done)
  }
}

class SendReceive implements Conversation {
  private readonly options: SendReceiveOptions
  private readonly wanted: Buffer
  private answer: Buffer = Buffer.alloc(0)

  constructor(options: SendReceiveOptions) {
    this.options = options
    this.wanted = Buffer.from(options.receive ?? '')
  }

  opened(socket: Socket): null {
    if (this.options.send !== null) socket.write(this.options.send)
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    const { receive } = this.options
    const room = MAX_ANSWER - this.answer.length
    // What was searched before is searched again only as far as the text may have begun in it.
    const from = Math.max(0, this.answer.length - this.wanted.length)
    this.answer = Buffer.concat([this.answer, bytes.subarray(0, room)])
    if (receive === null) return passed(`answered in ${Math.round(elapsed)} ms`)
    if (this.answer.includes(this.wanted, from)) return passed(`expected answer in ${Math.round(elapsed)} ms`)
    return this.answer.length < MAX_ANSWER ? null : this.without('the first 64 KiB of the answer')
  }

  closed(): Finding | null {
    return this.answer.length > 0 ? this.without('the answer') : null
  }

  unanswered(timeout: number): Finding | null {
    return this.answer.length > 0 ? this.without(`what came within ${timeout} ms`) : null
  }

  private without(where: string): Finding {
    return failed(null, `${where} does not contain ${JSON.stringify(this.options.receive)}`)
  }
}
