/** SIGTERM and SIGINT drain; a second one ends at once. */
import process from 'node:process'
import type { Clock } from '../core/time.ts'
import { EXIT } from './exit.ts'

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof SIGNALS

/** One Ctrl-C can arrive twice: from the terminal, and passed on by npm. Nobody presses it again this fast. */
const ECHO = 300

export type Ending = Readonly<{
  clock: Clock
  /** Stops accepting, finishes what is in flight. */
  drain(signal: string): Promise<void>
  kill(): void
}>

export function endOnSignals({ clock, drain, kill }: Ending): void {
  let first: Readonly<{ signal: Signal; at: number }> | null = null
  const end = (signal: Signal) => {
    if (first === null) {
      first = { signal, at: clock.now() }
      drain(signal).then(
        () => process.exit(EXIT.ok),
        (error: unknown) => {
          process.stderr.write(`understudy: could not end in good order: ${String(error)}\n`)
          process.exit(EXIT.error)
        },
      )
      return
    }
    const echo = signal === 'SIGINT' && first.signal === 'SIGINT' && clock.now() - first.at < ECHO
    if (echo) return
    kill()
    process.exit(128 + SIGNALS[signal])
  }
  process.on('SIGINT', () => end('SIGINT'))
  process.on('SIGTERM', () => end('SIGTERM'))
  if (process.env.UNDERSTUDY_RELAYED !== undefined) endWithRelay(kill)
}

/** The shim that started this process under an old Node was killed: nobody could stop this one any more. */
function endWithRelay(kill: () => void): void {
  delete process.env.UNDERSTUDY_RELAYED
  process.once('disconnect', () => {
    kill()
    process.exit(EXIT.error)
  })
  // Listening to the channel would keep a process alive that has ended otherwise.
  process.channel?.unref()
}
