/**
 * A mail server that keeps what it gets to itself: a process that prints each message it has accepted as a line of JSON.
 * Arguments: its port, its name, and a file that says how it behaves toward connections from now on (see `Mode`).
 */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { readProxyHeader } from './proxy-header.ts'

export type Mode =
  | 'normal'
  /** Accepts connections and closes them at once, as one that is restarting behind a load balancer. */
  | 'close'
  /** Accepts a message, and says nothing any more. */
  | 'swallow'
  /** Greets after a second, as one that looks up its clients first. */
  | 'slow'
  /** Expects a PROXY header before all else. */
  | 'proxied'

export type Message = Readonly<{ server: string; client: string; from: string; to: string; text: string }>

const [port = '0', name = 'mail', file = ''] = process.argv.slice(2)
const GREETING_DELAY = 1_000

function serve(socket: Socket, mode: Mode, client: string): void {
  const say = (line: string): void => void socket.write(`${line}\r\n`)
  const got = { server: name, client, from: '', to: '', text: '' }
  let unread = ''
  let inText = false
  const command = (line: string): void => {
    const [verb = ''] = line.toUpperCase().split(' ', 1)
    if (verb === 'MAIL') got.from = line.replace(/.*<(.*)>.*/, '$1')
    if (verb === 'RCPT') got.to = line.replace(/.*<(.*)>.*/, '$1')
    inText = verb === 'DATA'
    if (verb === 'QUIT') socket.end(`221 ${name} bye\r\n`)
    else say(inText ? '354 go on' : `250 ${name}`)
  }
  const accepted = (): void => {
    inText = false
    process.stdout.write(`${JSON.stringify({ accepted: got })}\n`)
    if (mode !== 'swallow') say(`250 ${name} has it`)
  }
  setTimeout(() => say(`220 ${name} ESMTP`), mode === 'slow' ? GREETING_DELAY : 0)
  socket.setEncoding('latin1').on('data', (text: string) => {
    unread += text
    for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
      const line = unread.slice(0, end)
      unread = unread.slice(end + 2)
      if (!inText) command(line)
      else if (line === '.') accepted()
      else got.text += `${line}\n`
    }
  })
}

const server = createServer((socket) => {
  socket.on('error', () => {})
  const mode = readFileSync(file, 'utf8').trim() as Mode
  if (mode === 'close') socket.end()
  else if (mode === 'proxied') readProxyHeader(socket, (client) => serve(socket, mode, client))
  else serve(socket, mode, socket.remoteAddress ?? '')
})
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address() })}\n`)
})
