/** A command that cannot be obeyed says why, and what to do instead. */
import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/events.ts'
import { upstreamId } from '../../src/core/upstream.ts'
import { BLUE, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

const fit = () => new Stage().allFit()
const standbyDown = () => fit().probed(GREEN, 'fail', { times: 2 })
const switching = () => {
  const stage = new Stage({ kind: 'singleWriter', count: 3 }).allFit()
  stage.told({ name: 'switchover', to: GREEN })
  return stage
}
const standbyActive = () => {
  const stage = new Stage({ failover: 'manual' }).allFit()
  stage.told({ name: 'switchover', to: GREEN })
  return stage.convicted(GREEN, 'crash')
}

const UNKNOWN = upstreamId('violet')

const REFUSALS: readonly [why: string, Stage, Command, code: string, message: string][] = [
  ['no such upstream', fit(), { name: 'switchover', to: UNKNOWN }, 'unknown_upstream', 'no upstream violet'],
  ['no such upstream', fit(), { name: 'drain', upstream: UNKNOWN, force: true }, 'unknown_upstream', 'violet'],
  ['target is unhealthy', standbyDown(), { name: 'switchover', to: GREEN }, 'not_eligible', 'it is unhealthy by'],
  ['target is not probed', new Stage(), { name: 'switchover', to: GREEN }, 'not_eligible', 'it is not probed yet'],
  ['target is ejected', fit().convicted(GREEN, 'gray'), { name: 'switchover', to: GREEN }, 'not_eligible', 'rule gray'],
  ['active is fit', fit(), { name: 'failover', force: false }, 'active_is_fit', 'blue is fit'],
  ['active may be fit', new Stage(), { name: 'failover', force: false }, 'active_is_fit', 'blue is fit'],
  ['no standby is fit', standbyDown(), { name: 'switchover', to: null }, 'no_candidate', 'green is unhealthy'],
  [
    'there is no standby',
    new Stage({ count: 1 }),
    { name: 'failover', force: true },
    'no_candidate',
    'no other upstream',
  ],
  ['only the primary is fit', standbyActive(), { name: 'failover', force: true }, 'no_candidate', 'no other upstream'],
  ['nobody would be left', standbyDown(), { name: 'drain', upstream: BLUE, force: false }, 'no_candidate', 'green is'],
  ['busy', switching(), { name: 'switchover', to: BLUE }, 'switch_in_progress', 'in the middle of a switch'],
  ['busy', switching(), { name: 'failover', force: true }, 'switch_in_progress', 'in the middle of a switch'],
  ['busy', switching(), { name: 'failback' }, 'switch_in_progress', 'in the middle of a switch'],
  ['busy', switching(), { name: 'disable', upstream: BLUE, force: true }, 'switch_in_progress', 'middle of a switch'],
]

describe('a refusal', () => {
  it.each(REFUSALS)(
    '(%s) has a code, a message and a hint, and changes nothing',
    (_why, stage, command, code, message) => {
      const before = stage.state
      const reply = stage.told(command)
      expect(reply).toEqual({ ok: false, code, message: expect.stringContaining(message), hint: expect.any(String) })
      expect(stage.state).toEqual(before)
    },
  )

  it('of a disabled or draining upstream says that an operator took it out', () => {
    const stage = fit()
    for (const name of ['drain', 'disable'] as const) {
      stage.told({ name, upstream: GREEN, force: false })
      const reply = stage.told({ name: 'switchover', to: GREEN })
      expect(reply).toMatchObject({
        message: expect.stringContaining(`${name === 'drain' ? 'draining' : 'disabled'} by an operator`),
      })
    }
  })

  it('names the upstreams there are', () => {
    expect(fit().told({ name: 'enable', upstream: UNKNOWN, force: false })).toMatchObject({
      hint: 'It has: blue, green.',
    })
  })
})

describe('while a switch is under way', () => {
  it('what it is doing already is no reason to refuse', () => {
    const stage = switching()
    expect(stage.told({ name: 'switchover', to: GREEN })).toEqual({ ok: true, changed: false })
    expect(stage.told({ name: 'switchover', to: null })).toEqual({ ok: true, changed: false })
    const failing = new Stage({ kind: 'singleWriter' }).allFit().convicted(BLUE, 'crash')
    expect(failing.told({ name: 'failover', force: false })).toEqual({ ok: true, changed: false })
  })

  it('a pause is obeyed, and the switch still comes to its end', () => {
    const stage = switching()
    expect(stage.told({ name: 'pause' })).toEqual({ ok: true, changed: true })
    stage.drained(BLUE).probed(GREEN, 'pass')
    expect(stage.active).toBe(GREEN)
  })
})
