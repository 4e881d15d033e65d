/** How long clients go without service, as they see it: they try again at once, each time anew. */
import type { Finished } from './client-program.ts'

export type Outage = Readonly<{ ms: number; attempts: number }>

/** Slower than this is a defect, however busy the machine. What it really takes is printed. */
export const LONGEST_OUTAGE = 5_000

const GIVE_UP = 15_000

/** From now until the first good end of a client that began after now. */
export async function servedAgain(client: () => Promise<Finished>): Promise<Outage> {
  const start = performance.now()
  for (let attempts = 1; ; attempts++) {
    const { code, stderr } = await client()
    const ms = performance.now() - start
    if (code === 0) return { ms, attempts }
    if (ms > GIVE_UP) throw new Error(`nobody was served for ${GIVE_UP} ms; the last one said: ${stderr}`)
  }
}

export const tell = ({ ms, attempts }: Outage): string => `${ms.toFixed(0)} ms (attempt ${attempts})`
