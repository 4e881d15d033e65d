// One clock for all processes of a trial. CLOCK_MONOTONIC counts from boot, so the moments that the load generator, the
// origins and the trial write down can be compared directly, and no wall-clock step can bend a measurement.

export const now = (): number => Number(process.hrtime.bigint()) / 1e6

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))

/** Polls `condition` until it holds; the deadline turns a hang into an error that says what was awaited. */
export const until = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> => {
  const deadline = now() + deadlineMs
  while (!(await condition())) {
    if (now() > deadline) throw new Error(`gave up after ${deadlineMs} ms waiting for ${what}`)
    await sleep(10)
  }
}
