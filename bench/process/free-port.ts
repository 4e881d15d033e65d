// Ports for programs that must be told one in their configuration. Bound and released: another process could take the port
// in between, which then shows as a clear start-up error of that program, never as a wrong measurement.
import { createServer } from 'node:net'

const bindAny = (): Promise<{ port: number; release: () => Promise<void> }> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port was bound'))
      const release = () => new Promise<void>((done) => server.close(() => done()))
      resolve({ port: address.port, release })
    })
  })

/** `count` different ports: all are held until the last is known, so none is handed out twice. */
export const freePorts = async (count: number): Promise<number[]> => {
  const held = await Promise.all(Array.from({ length: count }, bindAny))
  await Promise.all(held.map((one) => one.release()))
  return held.map((one) => one.port)
}
