// Asks again until there is an answer; the deadline turns a hang into an error that says what was awaited.
const EVERY = 10

export type Awaited = { readonly what: string; readonly milliseconds?: number }

export async function until<T>(ask: () => Promise<T | undefined>, { what, milliseconds = 5_000 }: Awaited): Promise<T> {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, EVERY))
  }
}

/** For what is about time itself: until it has passed. */
export async function passed(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  await until(async () => (performance.now() >= end ? true : undefined), {
    what: `${milliseconds} ms to pass`,
    milliseconds: milliseconds + 5_000,
  })
}
