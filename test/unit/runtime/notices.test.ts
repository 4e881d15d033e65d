import { describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import type { Notice } from '../../../src/core/events.ts'
import { ms } from '../../../src/core/time.ts'
import { Notices, type NumberedNotice } from '../../../src/runtime/notices.ts'

const notice = (text: string, pool = 'shop'): Notice => ({ type: 'paused', at: ms(0), pool, epoch: epoch(1), text })

describe('notices', () => {
  it('are numbered and can be read from a number on, oldest first', () => {
    const notices = new Notices()
    for (const text of ['a', 'b', 'c']) notices.publish(notice(text))
    expect(notices.since(1).map(({ id, text }) => [id, text])).toEqual([
      [2, 'b'],
      [3, 'c'],
    ])
  })

  it('can be read for one pool', () => {
    const notices = new Notices()
    notices.publish(notice('a'))
    notices.publish(notice('b', 'blog'))
    expect(notices.since(0, 'blog').map(({ text }) => text)).toEqual(['b'])
  })

  it('keep the last thousand and no more', () => {
    const notices = new Notices()
    for (let count = 0; count < 1_100; count++) notices.publish(notice('x'))
    expect(notices.since(0)).toHaveLength(1_000)
    expect(notices.since(0)[0]?.id).toBe(101)
  })

  it('reach every listener until it ends its subscription', () => {
    const notices = new Notices()
    const heard: NumberedNotice[] = []
    const end = notices.listen((each) => heard.push(each))
    notices.publish(notice('a'))
    end()
    notices.publish(notice('b'))
    expect(heard.map(({ text }) => text)).toEqual(['a'])
  })
})
