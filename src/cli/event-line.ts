/** One event on one line. */
import type { NoticeView } from '../admin/views.ts'
import { paint, plain } from './output.ts'

const ALARMING: readonly string[] = [
  'failover',
  'would-failover',
  'failback-aborted',
  'unavailable',
  'ejected',
  'active-unfit',
  'switch-failed',
  'upstream-unfit',
]

export function eventLine({ id, at, type, pool, text }: NoticeView): string {
  const kind = paint(ALARMING.includes(type) ? 'red' : 'green', plain(type).padEnd(14))
  return `${plain(at)} #${id} ${plain(pool)} ${kind} ${plain(text)}`
}
