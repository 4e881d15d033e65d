/**
 * The one wait that keeps the process alive. Timers of `runtime/clock` do not, on purpose; a command that asks again
 * every second has nothing else that would.
 */
import { setTimeout } from 'node:timers/promises'

export const wait = (milliseconds: number): Promise<void> => setTimeout(milliseconds)
