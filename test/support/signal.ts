// Waiting for a condition with a deadline, woken by events instead of by sleeping.

export class Signal {
  readonly #waiting = new Set<() => void>()

  notify(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves with the first defined (and not false) answer of `check`, asked now and after every `notify()`. */
  until<T>(check: () => T | undefined | false, what: string, milliseconds = 5_000): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const look = (): boolean => {
        const answer = check()
        if (answer === undefined || answer === false) return false
        this.#waiting.delete(look)
        clearTimeout(deadline)
        resolve(answer)
        return true
      }
      const deadline = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new Error(`waited ${milliseconds} ms for ${what}`))
      }, milliseconds)
      if (!look()) this.#waiting.add(look)
    })
  }
}

/** Lets the event loop read what was written: two turns, because a write may reach the reader only in the next poll. */
export async function turns(count = 2): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Cuts `bytes` at the given positions; positions outside and repeated ones are ignored. */
export function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const inside = [...new Set(positions)].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b)
  const starts = [0, ...inside]
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length))
}
