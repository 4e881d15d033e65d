/**
 * Leads upgrades through the routes of a Fastify application like any other request, so that its hooks see them first.
 * A route that knows nothing of it answers as it would answer a request; only a pool's route takes the connection.
 */
import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

type Upgrade = Readonly<{ socket: Socket; head: Buffer }>

const upgrades = new WeakMap<object, Upgrade>()

/** The connection behind a request that asks for an upgrade; null for every other request. */
export const upgradeOf = (request: object): Upgrade | null => upgrades.get(request) ?? null

export function routeUpgrades(app: FastifyInstance): void {
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on('finish', () => {
      response.detachSocket(socket)
      // Node has let go of it, so nobody else would close it when its client does not.
      socket.destroySoon()
    })
    // Whoever leaves now has nobody to miss it.
    socket.on('error', () => socket.destroy())
    upgrades.set(request, { socket, head })
    app.routing(request, response)
  })
}
