/** Tasks by the moment they are due, and by order within one moment: a binary heap, so that simulated months are affordable. */

export type Task = {
  at: number
  readonly order: number
  readonly every: number | null
  readonly run: () => void
  /** It has run, or was cancelled. Left in the heap until it comes up. */
  over: boolean
}

const before = (one: Task, other: Task): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order)

export class TaskQueue {
  private readonly heap: Task[] = []

  /** What is still to come, in no order. */
  get pending(): readonly Task[] {
    return this.heap.filter(({ over }) => !over)
  }

  first(): Task | null {
    let { 0: first } = this.heap
    while (first?.over) {
      this.removeFirst()
      first = this.heap[0]
    }
    return first ?? null
  }

  add(task: Task): void {
    const { heap } = this
    let index = heap.length
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]!
      if (!before(task, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = task
  }

  removeFirst(): void {
    const last = this.heap.pop()
    if (last && this.heap.length > 0) this.sink(last)
  }

  /** The first one is due at another moment now. */
  moveFirst(at: number): void {
    const first = this.heap[0]!
    first.at = at
    this.sink(first)
  }

  private sink(task: Task): void {
    const { heap } = this
    const { length } = heap
    let index = 0
    for (let below = 1; below < length; below = 2 * index + 1) {
      if (below + 1 < length && before(heap[below + 1]!, heap[below]!)) below++
      const child = heap[below]!
      if (!before(child, task)) break
      heap[index] = child
      index = below
    }
    heap[index] = task
  }
}
