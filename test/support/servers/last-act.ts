/**
 * What has to happen even when a test run breaks off: Vitest ends its workers by SIGTERM, of which Node's `exit` hears
 * nothing, and servers that nobody has stopped would stay for ever.
 */

const acts = new Set<() => void>()

function perform(): void {
  // Newest first: servers before their folders, which take so long to remove that Vitest may kill us meanwhile.
  for (const act of [...acts].reverse()) act()
  acts.clear()
}

process.on('exit', perform)
process.once('SIGTERM', () => {
  perform()
  process.exit(143)
})

/** Returns what takes it back. */
export function lastAct(act: () => void): () => void {
  acts.add(act)
  return () => void acts.delete(act)
}
