/** How many connections every single address has. */
export class AddressLimit {
  private readonly maximum: number
  private readonly counts = new Map<string, number>()

  /** 0: no limit. */
  constructor(maximum: number) {
    this.maximum = maximum
  }

  /** False: it has as many as it may. */
  take(address: string): boolean {
    if (this.maximum === 0) return true
    const count = this.counts.get(address) ?? 0
    if (count >= this.maximum) return false
    this.counts.set(address, count + 1)
    return true
  }

  giveBack(address: string): void {
    if (this.maximum === 0) return
    const count = this.counts.get(address) ?? 0
    // Addresses that left must not stay in memory.
    if (count <= 1) this.counts.delete(address)
    else this.counts.set(address, count - 1)
  }
}
