// What a process and all its descendants cost, from /proc (Linux only): CPU time, and memory while something goes on.
import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ has been 100 on every Linux architecture that Node runs on, and pages have 4 KiB on those that it is measured on.
const MICROSECONDS_PER_TICK = 10_000
const MIB_PER_PAGE = 4_096 / 2 ** 20
const SAMPLED_EVERY_MS = 100

type ProcessStat = { readonly pid: number; readonly parent: number; readonly ticks: number; readonly pages: number }

const readStat = (pid: number): ProcessStat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may contain blanks; the rest starts with field 3.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [parent, user, system, pages] = [fields[1], fields[11], fields[12], fields[21]]
    return { pid, parent: Number(parent), ticks: Number(user) + Number(system), pages: Number(pages) }
  } catch {
    // It ended between the listing and the reading.
    return null
  }
}

const descendants = (all: readonly ProcessStat[], root: number): ProcessStat[] => {
  const children = all.filter((one) => one.parent === root)
  return [...children, ...children.flatMap((child) => descendants(all, child.pid))]
}

const familyOf = (root: number): ProcessStat[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null)
  return [...all.filter((one) => one.pid === root), ...descendants(all, root)]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export type Cost = {
  readonly cpuSeconds: number
  /** Resident memory: before, and the most that was seen. */
  readonly memoryMiB: { readonly before: number; readonly peak: number }
}

/** What `work` gives, and what it cost the process with this id. */
export const withCost = async <T>(root: number, work: () => Promise<T>): Promise<{ run: T; cost: Cost }> => {
  const before = familyOf(root)
  const memory = (family: readonly ProcessStat[]) => sum(family.map(({ pages }) => pages)) * MIB_PER_PAGE
  const pids = before.map(({ pid }) => pid)
  let peak = memory(before)
  const sample = () => {
    peak = Math.max(peak, memory(pids.map(readStat).filter((stat) => stat !== null)))
  }
  const timer = setInterval(sample, SAMPLED_EVERY_MS)
  try {
    const run = await work()
    sample()
    const ticks = sum(familyOf(root).map((one) => one.ticks)) - sum(before.map((one) => one.ticks))
    const cost = { cpuSeconds: (ticks * MICROSECONDS_PER_TICK) / 1e6, memoryMiB: { before: memory(before), peak } }
    return { run, cost }
  } finally {
    clearInterval(timer)
  }
}
