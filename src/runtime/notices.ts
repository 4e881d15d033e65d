/** What happened, kept for whoever asks (the last ones) and passed on to whoever listens (log, journal, metrics). */
import type { Notice } from '../core/events.ts'

export type NumberedNotice = Notice & Readonly<{ id: number }>
export type NoticeListener = (notice: NumberedNotice) => void

const KEPT = 1_000

export class Notices {
  private readonly kept: NumberedNotice[] = []
  private readonly listeners = new Set<NoticeListener>()
  private next = 1

  publish(notice: Notice): void {
    const numbered: NumberedNotice = { id: this.next++, ...notice }
    this.kept.push(numbered)
    if (this.kept.length > KEPT) this.kept.shift()
    for (const listener of this.listeners) listener(numbered)
  }

  /** Returns the function that ends it. */
  listen(listener: NoticeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Oldest first. */
  since(id: number, pool: string | null = null): readonly NumberedNotice[] {
    return this.kept.filter((notice) => notice.id > id && (pool === null || notice.pool === pool))
  }
}
