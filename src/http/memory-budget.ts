/** What all requests together may keep in memory. Past it nothing breaks: a request only loses its right to a replay. */
export class MemoryBudget {
  private free: number

  constructor(total: number) {
    this.free = total
  }

  take(bytes: number): boolean {
    if (bytes > this.free) return false
    this.free -= bytes
    return true
  }

  give(bytes: number): void {
    this.free += bytes
  }
}
