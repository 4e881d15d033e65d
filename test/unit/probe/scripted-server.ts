/** Plays the server's side of a conversation, whole or cut into pieces that the probe gets one after the other. */
import type { Socket } from 'node:net'
import type { Behave } from '../../support/probed-upstreams.ts'
import { turns } from '../../support/signal.ts'

export type Script = Readonly<{
  /** Said before anything was heard. */
  greeting?: string | Buffer
  /** Each one said when something is heard. */
  replies?: readonly (string | Buffer)[]
}>

const bytesOf = (said: string | Buffer): Buffer => (typeof said === 'string' ? Buffer.from(said, 'latin1') : said)

export const lengthOf = ({ greeting = '', replies = [] }: Script): number =>
  [greeting, ...replies].reduce((sum, said) => sum + said.length, 0)

/** `cuts`: after how many bytes of all that is said, over all replies, the probe is given time to read. */
export function plays({ greeting = '', replies = [] }: Script, cuts: (at: number) => boolean = () => false): Behave {
  return (socket) => {
    socket.setNoDelay()
    let said = 0
    const say = async (text: string | Buffer): Promise<void> => {
      let start = 0
      const bytes = bytesOf(text)
      for (let at = 1; at <= bytes.length; at++) {
        said++
        if (at < bytes.length && !cuts(said)) continue
        await write(socket, bytes.subarray(start, at))
        start = at
      }
    }
    const rest = [...replies]
    let turn = greeting.length > 0 ? say(greeting) : Promise.resolve()
    socket.on('data', () => {
      const next = rest.shift()
      if (next !== undefined) turn = turn.then(() => say(next))
    })
  }
}

/** Done when the probe has had the time to read it. */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (!socket.writable) return
  await new Promise<void>((written) => socket.write(bytes, () => written()))
  await turns(3)
}

export const byteByByte = (): boolean => true
