// The least that can stand between two connections in Node: what one read brings is taken for one message, two field lines are
// added to it, and it is written on, all of a turn of the event loop together. No proxy: nothing is parsed, limited or watched.
//   node bench/contenders/bare-sockets-server.ts LISTEN_PORT PRIMARY_URL
import net from 'node:net'

type ListeningHandle = { setNoDelay(on: boolean): void; onconnection(error: number, handle?: object): void }
type OnMessage = (text: string) => void

const [listenPort, primary = ''] = process.argv.slice(2)
const { hostname: host, port } = new URL(primary)
const CLOSE = 'Connection: close\r\n'
const END = '\r\n\r\n'

const shared = Buffer.allocUnsafeSlow(16_384)
const reading = (onMessage: OnMessage) => ({
  buffer: shared,
  callback: (length: number) => {
    onMessage(shared.toString('latin1', 0, length))
    return true
  },
})

let unsent: (() => void)[] = []
const atEndOfTurn = (send: () => void): void => {
  if (unsent.push(send) > 1) return
  setImmediate(() => {
    const sends = unsent
    unsent = []
    for (const each of sends) each()
  })
}

class Upstream {
  private static readonly idle: Upstream[] = []
  private readonly socket: net.Socket
  private onAnswer: OnMessage = () => {}

  static ask(text: string, onAnswer: OnMessage): void {
    const upstream = Upstream.idle.pop() ?? new Upstream()
    upstream.onAnswer = onAnswer
    atEndOfTurn(() => upstream.socket.write(text, 'latin1'))
  }

  private constructor() {
    const onread = reading((text) => {
      Upstream.idle.push(this)
      this.onAnswer(text)
    })
    this.socket = net.connect({ host, port: Number(port), noDelay: true, onread })
    this.socket.on('error', () => this.socket.destroy())
  }
}

const serve = (handle: object): void => {
  const onread = reading((text) => {
    const last = text.includes(CLOSE)
    const request = last ? text.replace(CLOSE, '') : text
    const end = request.indexOf(END) + 2
    const added = `X-Forwarded-For: ${address}\r\nVia: 1.1 bare-sockets\r\n`
    Upstream.ask(request.slice(0, end) + added + request.slice(end), (answer) =>
      atEndOfTurn(() => {
        socket.write(last ? answer.replace('Connection: keep-alive', 'Connection: close') : answer, 'latin1')
        if (last) socket.destroy()
      }),
    )
  })
  const socket = new net.Socket({ handle, onread, allowHalfOpen: true } as unknown as net.SocketConstructorOpts)
  const address = socket.remoteAddress
  socket.on('error', () => {})
  socket.on('end', () => socket.destroy())
  socket.resume()
}

// Of each listening socket the event loop takes one connection a turn.
for (let count = 0; count < 8; count++) {
  const server = net.createServer()
  server.listen({ port: Number(listenPort), host: '127.0.0.1', backlog: 4_096, reusePort: true }, () => {
    // Node makes a socket for every connection before anybody can say how it is to be read.
    const { _handle: listening } = server as unknown as { _handle: ListeningHandle }
    listening.setNoDelay(true)
    listening.onconnection = (error, handle) => {
      if (error === 0 && handle) serve(handle)
    }
  })
}
