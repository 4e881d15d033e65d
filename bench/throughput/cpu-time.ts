// CPU time of a process and all its descendants, from /proc (Linux only). Threads are included in their process.
import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ has been 100 on every Linux architecture that Node runs on.
const MICROSECONDS_PER_TICK = 10_000

type ProcessStat = { readonly pid: number; readonly parent: number; readonly ticks: number }

const readStat = (pid: number): ProcessStat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may contain blanks; the rest starts with field 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    // It ended between the listing and the reading.
    return null
  }
}

const descendants = (all: readonly ProcessStat[], root: number): ProcessStat[] => {
  const children = all.filter((one) => one.parent === root)
  return [...children, ...children.flatMap((child) => descendants(all, child.pid))]
}

export const cpuMicroseconds = (root: number): number => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null)
  const tree = [...all.filter((one) => one.pid === root), ...descendants(all, root)]
  return tree.reduce((sum, one) => sum + one.ticks, 0) * MICROSECONDS_PER_TICK
}
