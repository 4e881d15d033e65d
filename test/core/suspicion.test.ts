/** Rule R3 on a simulated clock: when silence becomes suspicion, and when suspicion becomes a conviction. */
import { describe, expect, it } from 'vitest'
import { Suspicion } from '../../src/core/suspicion.ts'
import { ms } from '../../src/core/time.ts'
import { Witness } from './support/witness.ts'

const HANG_AFTER = 400
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
}

type Seen = { at: number; step: string }

/** Plays suspect, standby, prober and shell, millisecond by millisecond. Times are relative to the start. */
function play(scene: Scene): Seen[] {
  const { requestEvery = 5, probeEvery = 500, probeTimeout = 250, controlAnswers = true, duration = 3_000 } = scene
  const { evidence, now: start } = new Witness()
  const suspicion = new Suspicion(HANG_AFTER)
  const seen: Seen[] = []
  let waiting = 0
  let probes: number[] = []
  const probe = (at: number) => probes.push(at)

  for (let at = 0; at < duration; at++) {
    const now = ms(start + at)
    if (requestEvery && at % requestEvery === 0) {
      evidence.sent(now)
      waiting++
    }
    if (at % probeEvery === 0) probe(at)
    if (scene.awake(at) && waiting + probes.length > 0) {
      evidence.byte(now)
      for (; waiting > 0; waiting--) evidence.settled()
      probes = []
    }
    probes = probes.filter((sent) => at - sent < probeTimeout)
    if (at % LOOK !== 0) continue
    const pending = probes[0] === undefined ? null : ms(start + probes[0])
    const step = suspicion.check(evidence.silentSince(pending), evidence.lastByteAt, now)
    if (step === 'confirm' || step === 'confirm-again') {
      probe(at)
      if (controlAnswers) suspicion.controlPassed(now)
    }
    if (step !== 'none') seen.push({ at, step })
    if (step === 'convict') break
  }
  return seen
}

const convictedAt = (seen: readonly Seen[]): number | undefined => seen.find(({ step }) => step === 'convict')?.at

describe('a stopped upstream', () => {
  it('is suspected after 150 ms, asked again 50 ms later, and convicted after 400 ms', () => {
    const seen = play({ awake: (at) => at < 100 })
    expect(seen.map(({ step }) => step)).toEqual(['confirm', 'confirm-again', 'convict'])
    const [suspected, again, convicted] = seen.map(({ at }) => at - 100)
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
    expect(play({ awake: (at) => at < 100, controlAnswers: false }).map(({ step }) => step)).toEqual([
      'confirm',
      'confirm-again',
    ])
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
  const silentSince = ms(1_000)

  function suspected(): Suspicion {
    const suspicion = new Suspicion(HANG_AFTER)
    expect(suspicion.check(silentSince, silentSince, ms(1_150))).toBe('confirm')
    return suspicion
  }

  it('does not arise while no answer is due', () => {
    const suspicion = new Suspicion(HANG_AFTER)
    expect(suspicion.check(null, ms(0), ms(1e9))).toBe('none')
    expect(suspicion.suspected).toBe(false)
  })

  it('is refuted by one byte from anywhere, and may arise anew', () => {
    const suspicion = suspected()
    expect(suspicion.check(ms(1_160), ms(1_160), ms(1_170))).toBe('refuted')
    expect(suspicion.suspected).toBe(false)
    expect(suspicion.check(ms(1_160), ms(1_160), ms(1_310))).toBe('confirm')
  })

  it('is not helped by a control probe that was sent before it arose', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_149))
    expect(suspicion.check(silentSince, silentSince, ms(1_200))).toBe('confirm-again')
    expect(suspicion.check(silentSince, silentSince, ms(5_000))).toBe('none')
    suspicion.controlPassed(ms(1_150))
    expect(suspicion.check(silentSince, silentSince, ms(5_010))).toBe('convict')
  })

  it('asks again before it convicts, even when looked at late', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_160))
    expect(suspicion.check(silentSince, silentSince, ms(2_000))).toBe('confirm-again')
    expect(suspicion.check(silentSince, silentSince, ms(2_010))).toBe('convict')
  })

  it('is gone after a reset, with the control that had answered', () => {
    const suspicion = suspected()
    suspicion.controlPassed(ms(1_160))
    suspicion.reset()
    suspicion.controlPassed(ms(1_170))
    expect(suspicion.check(silentSince, silentSince, ms(2_000))).toBe('confirm')
    expect(suspicion.check(silentSince, silentSince, ms(2_100))).toBe('confirm-again')
    expect(suspicion.check(silentSince, silentSince, ms(9_000))).toBe('none')
  })
})
