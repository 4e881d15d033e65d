/** So much of something at the same time, for all who share it: connections, bytes in memory, requests that wait. */
export interface Allowance {
  /** False: there is not so much left, and nothing is taken. */
  take(amount: number): boolean
  giveBack(amount: number): void
}

export class OwnAllowance implements Allowance {
  private left: number

  constructor(limit: number) {
    this.left = limit
  }

  take(amount: number): boolean {
    if (amount > this.left) return false
    this.left -= amount
    return true
  }

  giveBack(amount: number): void {
    this.left += amount
  }
}
