/**
 * Leads upgrades through the routes of a Fastify application like any other request, so that its hooks see them first.
 * A route that knows nothing of it answers as it would answer a request; only a pool's route takes the connection.
 */
import type { IncomingMessage, Server } from 'node:http'
import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../core/time.ts'
import { closeGently } from './gentle-close.ts'
import { bodyFollows } from './node-request.ts'

/** `head`: what came behind the request. */
type Upgrade = Readonly<{ socket: Socket; head: Buffer }>

const upgrades = new WeakMap<object, Upgrade>()

/** The connection behind a request for a WebSocket; null for every other request. */
export const upgradeOf = (request: object): Upgrade | null => upgrades.get(request) ?? null

/** Several registrations of one application share its server. */
const routed = new WeakSet<Server>()

export function routeUpgrades(app: FastifyInstance, clock: Clock): void {
  if (routed.has(app.server)) return
  routed.add(app.server)
  onlyWebSockets(app.server)
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Whoever leaves now has nobody to miss it.
    socket.on('error', () => socket.destroy())
    if (socket instanceof Socket) {
      closeGently(socket, clock)
      if (asksForWebSocket(request)) upgrades.set(request, { socket, head })
    }
    const response = responseOn(socket, request)
    if (response) app.routing(request, response)
    else socket.destroy()
  })
}

/** Java's HTTP client asks for h2c with its first request, whatever it is: that stays an ordinary request, with its body. */
function onlyWebSockets(server: Server): void {
  // Whoever else listens for upgrades may want others.
  const wanted = (request: IncomingMessage) => asksForWebSocket(request) || server.listenerCount('upgrade') > 1
  Object.assign(server, { shouldUpgradeCallback: wanted })
}

function asksForWebSocket(request: IncomingMessage): boolean {
  const { method, httpVersion, headers } = request
  return method === 'GET' && httpVersion === '1.1' && /websocket/i.test(headers.upgrade ?? '') && !bodyFollows(request)
}

/** Null: the connection is still busy with the answer to an earlier request, which an upgrade may not overtake. */
function responseOn(socket: Duplex, request: IncomingMessage): ServerResponse | null {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  try {
    response.assignSocket(socket as Socket)
  } catch {
    return null
  }
  response.on('finish', () => {
    response.detachSocket(socket as Socket)
    if (socket instanceof Socket) socket.destroySoon()
    else socket.end()
  })
  return response
}
