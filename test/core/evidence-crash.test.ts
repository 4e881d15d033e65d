/** Rules R1 and R2: a crash shows in connects and in resets. */
import { describe, expect, it } from 'vitest'
import { ms } from '../../src/core/time.ts'
import { Witness } from './support/witness.ts'

const REFUSED = { phase: 'connecting', kind: 'refused' } as const

describe('a refused connect (R1)', () => {
  it('asks for confirmation, as does one too soon after it, and a second one at least 5 ms later convicts', () => {
    const witness = new Witness()
    expect(witness.failed(REFUSED)).toBe('confirm')
    expect(witness.pass(4).failed(REFUSED)).toBe('confirm')
    expect(witness.pass(1).failed(REFUSED)).toBe('convict crash')
    expect(witness.detail).toBe('connect refused twice within 5 ms')
  })

  it('counts when a probe sees it, and together with traffic', () => {
    const witness = new Witness()
    expect(witness.probed('refused')).toBe('confirm')
    expect(witness.pass(10).failed({ ...REFUSED, kind: 'unreachable' })).toBe('convict crash')
  })

  it('is taken back by an accepted connect, and by a probe that is answered', () => {
    const accepted = new Witness()
    accepted.failed(REFUSED)
    accepted.evidence.connected()
    expect(accepted.pass(10).failed(REFUSED)).toBe('confirm')

    const answered = new Witness()
    answered.probed('refused')
    expect(answered.pass(10).probed(null)).toBe('nothing')
    expect(answered.pass(10).probed('refused')).toBe('confirm')
  })

  it('has nothing to do with one of two seconds ago', () => {
    const witness = new Witness()
    witness.failed(REFUSED)
    expect(witness.pass(2_001).failed(REFUSED)).toBe('confirm')
  })

  it('is not what a connect timeout, a TLS failure or an unknown name is', () => {
    const witness = new Witness()
    for (const kind of ['timeout', 'tls', 'dns'] as const) {
      expect(witness.pass(10).failed({ phase: 'connecting', kind })).toBe('nothing')
      expect(witness.pass(10).probed(kind)).toBe('nothing')
    }
  })

  it('is not taken back by bytes on connections that are still open: a closed port is closed', () => {
    const witness = new Witness()
    witness.failed(REFUSED)
    witness.evidence.byte(witness.now)
    expect(witness.pass(10).failed(REFUSED)).toBe('convict crash')
  })
})

describe('a probe that is accepted and closed without an answer', () => {
  it('asks for confirmation, and a second one convicts', () => {
    const witness = new Witness()
    expect(witness.probed('truncated')).toBe('confirm')
    expect(witness.pass(6).probed('reset')).toBe('convict crash')
    expect(witness.detail).toBe('accepts connections and closes them')
  })

  it('is taken back by a byte from anywhere', () => {
    const witness = new Witness()
    witness.probed('reset')
    witness.evidence.byte(witness.pass(3).now)
    expect(witness.pass(6).probed('reset')).toBe('confirm')
  })

  it('counts together with a connect refused after it: a crash cuts off what is open first', () => {
    const witness = new Witness()
    expect(witness.probed('reset')).toBe('confirm')
    expect(witness.pass(3).probed('refused')).toBe('confirm')
    expect(witness.pass(4).probed('refused')).toBe('convict crash')
    expect(witness.detail).toBe('a probe cut off and a connect refused within 7 ms')
  })

  it('means nothing to a connect refused two seconds later', () => {
    const witness = new Witness()
    witness.probed('reset')
    expect(witness.pass(2_001).probed('refused')).toBe('confirm')
  })

  it('after a refused connect asks for confirmation of its own', () => {
    const witness = new Witness()
    expect(witness.probed('refused')).toBe('confirm')
    expect(witness.pass(10).probed('reset')).toBe('confirm')
  })
})

describe('resets of requests (R2)', () => {
  it('start a confirmation when three come within 200 ms', () => {
    const witness = new Witness()
    expect(witness.failed({})).toBe('nothing')
    expect(witness.pass(50).failed({})).toBe('nothing')
    expect(witness.pass(50).failed({})).toBe('confirm')
  })

  it('mean nothing when they come one by one', () => {
    const witness = new Witness()
    for (let n = 0; n < 4; n++) {
      expect(witness.pass(300).failed({})).toBe('nothing')
      witness.answered(200)
    }
  })

  it('are no evidence on a reused connection: that is the keep-alive race', () => {
    const witness = new Witness()
    for (let n = 0; n < 50; n++) {
      for (const phase of ['unsent', 'partly-sent', 'awaiting-head'] as const) {
        expect(witness.pass(1).failed({ connection: 'reused', phase }, `GET /${n}`)).toBe('nothing')
      }
    }
  })

  it('are evidence on a reused connection too, once an answer had begun', () => {
    const witness = new Witness()
    const cut = { connection: 'reused', phase: 'streaming' } as const
    for (let n = 0; n < 2; n++) expect(witness.pass(1).failed(cut)).toBe('nothing')
    expect(witness.pass(1).failed(cut)).toBe('confirm')
    expect(witness.pass(1).failed({ ...cut, phase: 'held' })).toBe('confirm')
  })
})

describe('what an upstream is not to blame for', () => {
  it.each(['client', 'proxy'] as const)('is no evidence: the %s broke it off', (blame) => {
    const witness = new Witness()
    for (let n = 0; n < 50; n++) {
      expect(witness.pass(1).failed({ blame, kind: 'aborted' }, `GET /${n}`)).toBe('nothing')
      expect(witness.pass(1).failed({ ...REFUSED, blame }, `GET /${n}`)).toBe('nothing')
    }
  })

  it('is no evidence: what was counted as an answer already, or waited for too long', () => {
    const witness = new Witness()
    for (let n = 0; n < 50; n++) {
      for (const kind of ['status', 'timeout', 'hang'] as const) {
        expect(witness.pass(1).failed({ kind }, `GET /${n}`)).toBe('nothing')
      }
    }
  })

  it('is forgotten when we ourselves stood still', () => {
    const witness = new Witness()
    witness.failed(REFUSED)
    witness.probed('reset')
    witness.evidence.forget(witness.pass(500).now)
    expect(witness.pass(10).failed(REFUSED)).toBe('confirm')
    expect(witness.pass(10).probed('reset')).toBe('confirm')
    expect(witness.evidence.lastByteAt).toBe(ms(witness.now - 20))
  })
})
