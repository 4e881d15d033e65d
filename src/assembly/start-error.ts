/** Something outside stands in the way of starting. The message names the place, the hint the fix. */
export class StartError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'StartError'
    this.hint = hint
  }
}

/** `key`: the setting that names the address. */
export function cannotListen(place: string, address: string, key: string, error: unknown): StartError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return new StartError(`${place}: ${address} is already in use`, `Stop the other process or change ${key}.`)
  }
  if (code === 'EACCES') {
    const hint = `Use a port from 1024 on, or grant CAP_NET_BIND_SERVICE, or change ${key}.`
    return new StartError(`${place}: no permission to listen on ${address}`, hint)
  }
  if (code === 'ENOTSUP') {
    const hint = 'Set `workers: 1`: this system cannot deal out the connections of one port to several threads.'
    return new StartError(`${place}: ${address} cannot be shared by several workers`, hint)
  }
  return new StartError(`${place}: cannot listen on ${address}: ${messageOf(error)}`, `Change ${key}.`)
}

export const listenerCannotListen = (name: string, address: string, error: unknown): StartError =>
  cannotListen(`listener ${name}`, address, `listeners.${name}.listen`, error)

export function cannotRead(place: string, error: unknown): StartError {
  const hint = 'Check the path; it is relative to the working directory.'
  return new StartError(`${place} cannot be read: ${messageOf(error)}`, hint)
}

/** `problem` follows the name of the place. */
export const cannotUse = (place: string, problem: string, hint: string): StartError =>
  new StartError(`${place} ${problem}`, hint)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
