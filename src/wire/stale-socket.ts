/** The file of a unix socket outlives a server that was killed, and the next one cannot listen on it. */
import { lstat, unlink } from 'node:fs/promises'
import net from 'node:net'
import { failureKindOf } from './socket-failure.ts'

/** True: it was there, nobody answers on it any more, and it is gone now. Nothing but a socket is ever removed. */
export async function removeStaleSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (!found?.isSocket() || !(await isRefused(path))) return false
  return unlink(path).then(
    () => true,
    () => false,
  )
}

/** Any other answer, a full queue for one, says that somebody is there. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path })
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', (error) => resolve(failureKindOf(error) === 'refused'))
  })
}
