/**
 * A simulated Clock: time moves when a test says so, and every task runs at exactly its moment, in order. Shows what the
 * real one hides: tasks left behind (`assertIdle`), and I/O that was waiting while a timer ran (`onPendingIo`).
 */
import type { Cancel, Clock, Millis } from '../../src/core/time.ts'
import { ms } from '../../src/core/time.ts'

type Task = { at: number; readonly order: number; readonly every: number | null; readonly run: () => void }

const MOST_TASKS = 1_000_000

export class FakeClock implements Clock {
  /** Runs before each batch of `afterPendingIo` tasks: put the bytes that lay in the socket buffers here. */
  onPendingIo: () => void = () => {}
  private time: number
  private count = 0
  private readonly tasks = new Set<Task>()
  private afterIo: (() => void)[] = []

  constructor(start = 1_000_000) {
    this.time = start
  }

  now(): Millis {
    return ms(this.time)
  }

  after(delay: number, task: () => void): Cancel {
    return this.add(Math.max(0, delay), null, task)
  }

  every(interval: number, task: () => void): Cancel {
    return this.add(interval, interval, task)
  }

  afterPendingIo(task: () => void): void {
    this.afterIo.push(task)
  }

  /** Runs everything that is due until then, at its own time. */
  advance(milliseconds: number): void {
    const target = this.time + milliseconds
    this.flushIo()
    for (let next = this.first(target); next; next = this.first(target)) {
      this.time = Math.max(this.time, next.at)
      this.runTask(next)
      // Timers of one moment run in one go, and only then the I/O that waits.
      const another = this.first(this.time)
      if (!another) this.flushIo()
    }
    this.time = target
  }

  /** The process stands still: time passes, nothing runs, and afterwards everything that was due runs at once. */
  stall(milliseconds: number): void {
    this.time += milliseconds
    this.advance(0)
  }

  get scheduled(): number {
    return this.tasks.size + this.afterIo.length
  }

  /** Every timer must have run or have been cancelled. */
  assertIdle(): void {
    if (this.scheduled === 0) return
    const due = [...this.tasks].map(({ at, every }) => `in ${at - this.time} ms${every === null ? '' : ', repeating'}`)
    throw new Error(`${this.scheduled} tasks were left behind: ${due.join('; ')}`)
  }

  private add(delay: number, every: number | null, run: () => void): Cancel {
    if (this.count > MOST_TASKS) throw new Error('too many tasks: something schedules itself for ever')
    const task: Task = { at: this.time + delay, order: this.count++, every, run }
    this.tasks.add(task)
    return () => this.tasks.delete(task)
  }

  private first(until: number): Task | null {
    let found: Task | null = null
    for (const task of this.tasks) {
      if (task.at > until) continue
      if (!found || task.at < found.at || (task.at === found.at && task.order < found.order)) found = task
    }
    return found
  }

  private runTask(task: Task): void {
    // As Node does it: an interval that is late is not made up for.
    if (task.every === null) this.tasks.delete(task)
    else task.at = this.time + task.every
    task.run()
  }

  private flushIo(): void {
    while (this.afterIo.length > 0) {
      const batch = this.afterIo
      this.afterIo = []
      this.onPendingIo()
      for (const task of batch) task()
    }
  }
}
