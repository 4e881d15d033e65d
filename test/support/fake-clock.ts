/**
 * A simulated Clock: time moves when a test says so, and every task runs at exactly its moment, in order. Shows what the
 * real one hides: tasks left behind (`assertIdle`), and I/O that was waiting while a timer ran (`arrive`, `onPendingIo`).
 */
import type { Cancel, Clock, Millis } from '../../src/core/time.ts'
import { ms } from '../../src/core/time.ts'
import { type Task, TaskQueue } from './task-queue.ts'

/** More than this within one moment: something schedules itself for ever. */
const MOST_AT_ONCE = 1_000_000

export class FakeClock implements Clock {
  /** Runs before each batch of `afterPendingIo` tasks: put the bytes that lay in the socket buffers here. */
  onPendingIo: () => void = () => {}
  private time: number
  private count = 0
  private ranAtOnce = 0
  private readonly timers = new TaskQueue()
  private readonly arrivals = new TaskQueue()
  private afterIo: (() => void)[] = []

  constructor(start = 1_000_000) {
    this.time = start
  }

  now(): Millis {
    return ms(this.time)
  }

  after(delay: number, task: () => void): Cancel {
    return this.add(this.timers, delay, null, task)
  }

  every(interval: number, task: () => void): Cancel {
    return this.add(this.timers, interval, interval, task)
  }

  afterPendingIo(task: () => void): void {
    this.afterIo.push(task)
  }

  /** Something comes in from outside, as I/O: after the timers of its moment. */
  arrive(delay: number, task: () => void): Cancel {
    return this.add(this.arrivals, delay, null, task)
  }

  /** Runs everything that is due until then, at its own time. */
  advance(milliseconds: number): void {
    const target = this.time + milliseconds
    while (this.step(target));
    this.time = target
  }

  /** Runs the next thing that is due until then. False: there is none. */
  step(until: number): boolean {
    const timer = this.timers.first()
    if (timer && timer.at <= this.time) return this.run(this.timers, timer)
    const arrival = this.arrivals.first()
    if (arrival && arrival.at <= this.time) return this.run(this.arrivals, arrival)
    // Timers of one moment run in one go, then the I/O, and only then what waits for it.
    if (this.afterIo.length > 0) return this.flushIo()
    const next = Math.min(timer?.at ?? Number.POSITIVE_INFINITY, arrival?.at ?? Number.POSITIVE_INFINITY)
    if (next > until) return false
    this.time = next
    this.ranAtOnce = 0
    return timer && timer.at === next ? this.run(this.timers, timer) : this.run(this.arrivals, arrival!)
  }

  /** The process stands still: time passes, nothing runs, and afterwards everything that was due runs at once. */
  stall(milliseconds: number): void {
    this.standStill(milliseconds)
    this.advance(0)
  }

  /** The same from within a task: what was due runs once it is over. */
  standStill(milliseconds: number): void {
    this.time += milliseconds
  }

  get scheduled(): number {
    return this.timers.pending.length + this.arrivals.pending.length + this.afterIo.length
  }

  /** Every timer must have run or have been cancelled. */
  assertIdle(): void {
    if (this.scheduled === 0) return
    const due = [...this.timers.pending, ...this.arrivals.pending].map(
      ({ at, every }) => `in ${at - this.time} ms${every === null ? '' : ', repeating'}`,
    )
    throw new Error(`${this.scheduled} tasks were left behind: ${due.join('; ')}`)
  }

  private add(queue: TaskQueue, delay: number, every: number | null, run: () => void): Cancel {
    const task: Task = { at: this.time + Math.max(0, delay), order: this.count++, every, run, over: false }
    queue.add(task)
    return () => {
      task.over = true
    }
  }

  private run(queue: TaskQueue, task: Task): true {
    if (++this.ranAtOnce > MOST_AT_ONCE) throw new Error('too many tasks: something schedules itself for ever')
    // As Node does it: an interval that is late is not made up for.
    if (task.every !== null) queue.moveFirst(this.time + task.every)
    else {
      task.over = true
      queue.removeFirst()
    }
    task.run()
    return true
  }

  private flushIo(): true {
    while (this.afterIo.length > 0) {
      const batch = this.afterIo
      this.afterIo = []
      this.onPendingIo()
      for (const task of batch) task()
    }
    return true
  }
}
