/** Rule R3 on a simulated clock: when silence becomes suspicion, and when suspicion becomes a conviction. */
import { describe, expect, it } from 'vitest'
import { RouteClass } from '../../src/core/answer-times.ts'
import { Suspicion } from '../../src/core/suspicion.ts'
import { ms } from '../../src/core/time.ts'
import { Wait } from '../support/wait.ts'
import { START } from './support/build.ts'
import { Witness } from './support/witness.ts'

const POLICY = { hangAfter: 400, widen: true }
/** How often the shell looks. */
const LOOK = 10

type Scene = {
  /** Milliseconds in which the suspect answers everything at once; it is stopped otherwise. */
  awake(at: number): boolean
  /** A request is sent every so often; 0: an idle pool, whose probes alone tell. */
  requestEvery?: number
  probeEvery?: number
  probeTimeout?: number
  controlAnswers?: boolean
  duration?: number
  widen?: boolean
}

type Seen = { at: number; step: string }

/** Plays suspect, standby, prober and shell, millisecond by millisecond. Times are relative to the start. */
function play(scene: Scene): Seen[] {
  const {
    requestEvery = 5,
    probeEvery = 500,
    probeTimeout = 250,
    controlAnswers = true,
    duration = 3_000,
    widen = true,
  } = scene
  const { evidence, now: start } = new Witness()
  const suspicion = new Suspicion({ ...POLICY, widen })
  const routeClass = new RouteClass('GET', '/', START)
  const seen: Seen[] = []
  let waiting: Wait[] = []
  let probes: number[] = []
  const send = (at: number) => probes.push(at)

  for (let at = 0; at < duration; at++) {
    const now = ms(start + at)
    if (requestEvery && at % requestEvery === 0) {
      const wait = new Wait()
      evidence.outstanding.add(wait, routeClass, now)
      waiting.push(wait)
    }
    if (at % probeEvery === 0) send(at)
    if (scene.awake(at) && waiting.length + probes.length > 0) {
      const oldest = probes[0] === undefined ? null : ms(start + probes[0])
      const doubt = suspicion.heard(now - (evidence.silentSince(oldest) ?? now), now)
      if (doubt === 'suspect') seen.push({ at, step: 'refuted' })
      evidence.byte(now)
      for (const wait of waiting) evidence.outstanding.remove(wait)
      waiting = []
      probes = []
    }
    probes = probes.filter((sent) => at - sent < probeTimeout)
    if (at % LOOK !== 0) continue
    const pending = probes[0] === undefined ? null : ms(start + probes[0])
    const probe = pending === null ? 0 : now - pending
    const step = suspicion.check({ since: evidence.silentSince(pending), probe, phi: waiting.length }, now)
    if (step === 'confirm' || step === 'confirm-again') {
      send(at)
      if (controlAnswers) suspicion.controlPassed(now, now)
    }
    if (step !== 'none') seen.push({ at, step })
    if (step === 'convict') break
  }
  return seen
}

const convictedAt = (seen: readonly Seen[]): number | undefined => seen.find(({ step }) => step === 'convict')?.at

describe('a stopped upstream', () => {
  it('is suspected after 150 ms, asked again 50 ms later and then every 100 ms, and convicted after 400 ms', () => {
    const seen = play({ awake: (at) => at < 100 })
    expect(seen.map(({ step }) => step)).toEqual(['confirm', 'confirm-again', 'confirm-again', 'convict'])
    const [suspected, again, , convicted] = seen.map(({ at }) => at - 100)
    expect(suspected).toBeGreaterThanOrEqual(150)
    expect(suspected).toBeLessThanOrEqual(150 + 2 * LOOK)
    expect(again).toBeLessThanOrEqual(200 + 2 * LOOK)
    expect(convicted).toBeGreaterThanOrEqual(400)
    expect(convicted).toBeLessThanOrEqual(400 + 3 * LOOK)
  })

  it('is convicted within 900 ms when nothing but probes is sent to it', () => {
    for (let stop = 1; stop < 500; stop += 37) {
      const seen = play({ awake: (at) => at < 500 + stop, requestEvery: 0 })
      expect((convictedAt(seen) ?? Number.POSITIVE_INFINITY) - 500 - stop).toBeLessThanOrEqual(900 + 2 * LOOK)
    }
  })

  it('is not convicted when no standby answers the control probe: it may be us', () => {
    const [first, ...others] = play({ awake: (at) => at < 100, controlAnswers: false }).map(({ step }) => step)
    expect(first).toBe('confirm')
    expect(new Set(others)).toEqual(new Set(['confirm-again']))
  })
})

describe('a pause', () => {
  it.each([100, 150, 200, 250, 300, 350])('of %i ms every second never convicts', (pause) => {
    const seen = play({ awake: (at) => at % 1_000 >= pause, duration: 10_000 })
    expect(convictedAt(seen)).toBeUndefined()
    expect(seen.filter(({ step }) => step === 'refuted')).toHaveLength(
      seen.filter(({ step }) => step === 'confirm').length,
    )
  })

  it('of 100 ms is not even suspected', () => {
    expect(play({ awake: (at) => at % 1_000 >= 100, duration: 5_000 })).toEqual([])
  })
})

describe('a suspicion', () => {
  it('is asked about as long as it lasts: a probe that has timed out brings no byte any more', () => {
    // What is held, or sent to the standby, cannot refute it either: only probes do.
    const asked = play({ awake: () => false, controlAnswers: false, requestEvery: 0, duration: 2_000 })
      .filter(({ step }) => step !== 'refuted')
      .map(({ at }) => at)
    for (const [index, at] of asked.entries()) expect(at - (asked[index - 1] ?? at)).toBeLessThanOrEqual(100 + LOOK)
    expect(asked.at(-1)).toBeGreaterThanOrEqual(1_900)
  })

  const silent = { since: ms(1_000), probe: 0, phi: 2 }

  function suspected(policy = POLICY): Suspicion {
    const suspicion = new Suspicion(policy)
    expect(suspicion.check(silent, ms(1_150))).toBe('confirm')
    expect(suspicion.doubt).toBe('suspect')
    return suspicion
  }

  it('does not arise while no answer is due', () => {
    const suspicion = new Suspicion(POLICY)
    expect(suspicion.check({ since: null, probe: 0, phi: 0 }, ms(1e9))).toBe('none')
    expect(suspicion.doubt).toBe('none')
  })

  it('does not arise while what is outstanding usually takes this long, unless a probe waits too', () => {
    const suspicion = new Suspicion(POLICY)
    expect(suspicion.check({ since: ms(0), probe: 0, phi: 0.9 }, ms(60_000))).toBe('none')
    expect(suspicion.check({ since: ms(0), probe: 149, phi: 0.9 }, ms(60_000))).toBe('none')
    expect(suspicion.check({ since: ms(0), probe: 150, phi: 0 }, ms(60_000))).toBe('confirm')
  })

  it('is refuted by one byte from anywhere, and may arise anew', () => {
    const suspicion = suspected()
    expect(suspicion.heard(160, ms(1_160))).toBe('suspect')
    expect(suspicion.doubt).toBe('none')
    expect(suspicion.check({ ...silent, since: ms(1_160) }, ms(1_309))).toBe('none')
    expect(suspicion.check({ ...silent, since: ms(1_160) }, ms(1_310))).toBe('confirm')
  })

  it('is not helped by a control probe that was sent before it arose', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_149), ms(1_149))
    expect(suspicion.check(silent, ms(1_200))).toBe('confirm-again')
    expect(suspicion.check(silent, ms(5_000))).not.toBe('convict')
    suspicion.controlPassed(ms(1_150), ms(1_150))
    expect(suspicion.check(silent, ms(5_010))).toBe('convict')
  })

  it('gives a suspect that comes back together with the standby, after a fault of ours, time for an answer of its own', () => {
    const suspicion = suspected()
    expect(suspicion.check(silent, ms(1_200))).toBe('confirm-again')
    suspicion.controlPassed(ms(9_000), ms(9_001))
    suspicion.controlPassed(ms(9_100), ms(9_101))
    expect(suspicion.check(silent, ms(9_120))).not.toBe('convict')
    expect(suspicion.check(silent, ms(9_121))).toBe('convict')
  })

  it('asks again before it convicts, even when looked at late', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_160), ms(1_160))
    expect(suspicion.check(silent, ms(2_000))).toBe('confirm-again')
    expect(suspicion.check(silent, ms(2_010))).toBe('convict')
  })

  it('is gone after a reset, with the control that had answered', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_160), ms(1_160))
    suspicion.reset()
    suspicion.controlPassed(ms(1_170), ms(1_170))
    expect(suspicion.check(silent, ms(2_000))).toBe('confirm')
    expect(suspicion.check(silent, ms(2_100))).toBe('confirm-again')
    expect(suspicion.check(silent, ms(9_000))).not.toBe('convict')
  })

  it('begins as hesitation, which is no suspicion yet', () => {
    const suspicion = new Suspicion(POLICY)
    suspicion.hesitate()
    expect(suspicion.doubt).toBe('hesitant')
    suspicion.hesitate()
    expect(suspicion.doubt).toBe('hesitant')
    expect(suspicion.check(silent, ms(1_149))).toBe('none')
    expect(suspicion.heard(149, ms(1_149))).toBe('hesitant')
    expect(suspicion.doubt).toBe('none')
    expect(suspicion.check(silent, ms(1_150))).toBe('confirm')
    suspicion.hesitate()
    expect(suspicion.doubt).toBe('suspect')
  })
})

describe('a stall that was refuted', () => {
  function survived(stall: number, policy = POLICY): Suspicion {
    const suspicion = new Suspicion(policy)
    suspicion.check({ since: ms(0), probe: 0, phi: 2 }, ms(150))
    suspicion.heard(stall, ms(stall))
    return suspicion
  }

  it('makes the next conviction wait half as long again as it lasted', () => {
    expect(survived(380).hangAfter(ms(380))).toBe(570)
  })

  it('changes nothing when it was short', () => {
    expect(survived(200).hangAfter(ms(200))).toBe(400)
  })

  it('is forgotten by half in ten minutes', () => {
    expect(survived(1_000).hangAfter(ms(601_000))).toBe(750)
    expect(survived(1_000).hangAfter(ms(3_601_000))).toBe(400)
  })

  it('never makes a conviction wait more than five seconds', () => {
    expect(survived(60_000).hangAfter(ms(60_000))).toBe(5_000)
  })

  it('teaches after a conviction as well, if it was over soon', () => {
    const suspicion = new Suspicion(POLICY)
    suspicion.provedWrong(1_501, ms(1_501))
    expect(suspicion.hangAfter(ms(1_501))).toBe(400)
    suspicion.provedWrong(800, ms(3_000))
    expect(suspicion.hangAfter(ms(3_000))).toBe(1_200)
  })

  it('lets silences that are no longer be borne', () => {
    expect(survived(380).bears(569, ms(380))).toBe(true)
    expect(survived(380).bears(570, ms(380))).toBe(false)
    expect(survived(200).bears(100, ms(200))).toBe(false)
  })

  it('counts for nothing when that is switched off', () => {
    expect(survived(1_000, { ...POLICY, widen: false }).hangAfter(ms(1_000))).toBe(400)
  })

  it('is not outdone by a shorter one', () => {
    const suspicion = survived(1_000)
    suspicion.check({ since: ms(2_000), probe: 0, phi: 2 }, ms(2_150))
    suspicion.heard(160, ms(2_160))
    expect(suspicion.hangAfter(ms(2_160))).toBeGreaterThan(1_490)
  })
})
