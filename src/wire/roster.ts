/**
 * Who is there, in no order, where members come and go by the thousand. Not a Set: it builds its table anew every so many
 * changes, and once such a table has grown old in V8's heap, it and its successors keep all that was ever in them from
 * being collected as young: of a connection that is soon over, half. What that costs: docs/decisions/0009-engine-techniques.md.
 */

export const NOWHERE = -1

/** `field`: where a member keeps its place here, NOWHERE to begin with. One field for each roster that it can be in. */
export class Roster<Field extends string, Member extends Record<Field, number>> {
  private readonly members: Member[] = []
  private readonly field: Field

  constructor(field: Field) {
    this.field = field
  }

  get size(): number {
    return this.members.length
  }

  /** Harmless for one that is in it. */
  add(member: Member): void {
    if (member[this.field] === NOWHERE) this.put(member, this.members.length)
  }

  /** False: it was not in it. */
  remove(member: Member): boolean {
    const { members, field } = this
    const place = member[field]
    if (place === NOWHERE) return false
    const last = members.pop()
    if (last && last !== member) this.put(last, place)
    this.set(member, NOWHERE)
    return true
  }

  /** Those that are there now, but for those that are removed meanwhile. */
  each(visit: (member: Member) => void): void {
    for (const member of [...this.members]) if (member[this.field] !== NOWHERE) visit(member)
  }

  private put(member: Member, place: number): void {
    this.members[place] = member
    this.set(member, place)
  }

  private set(member: Record<Field, number>, place: number): void {
    member[this.field] = place
  }
}
