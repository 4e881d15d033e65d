/** How `understudy plan` says what `core/worst-case` foresees. */
import { RATE_MINIMUM } from '../core/evidence.ts'
import type { Consequence, FailureMode, Fate, Moment, Rule, WorstCase } from '../core/foresight.ts'
import { shortTime } from './lengths.ts'

/** `active` and `next`: whom it is about, by name. */
export type Names = Readonly<{ active: string; next: string }>

export const MODES: Readonly<Record<FailureMode, string>> = {
  killed: 'killed, or its port closed',
  'accepts-and-closes': 'accepts and closes',
  stopped: 'stopped (SIGSTOP), hung',
  blackholed: 'all packets to it dropped',
  'gateway-errors': '503 to all, probe too',
  errors: '500 to all, probe passes',
  slow: 'all slow, probe passes',
  'answers-cut': 'every answer cut half way',
  'probe-red': 'probe fails, traffic is fine',
  'one-path': 'one path broken',
  'both-down': 'both down',
  switchover: 'switchover by an operator',
  restart: 'restart of Understudy itself',
}

export const RULES: Readonly<Record<Rule, string>> = {
  R1: 'R1 crash',
  R2: 'R2 resets',
  R3: 'R3 hang',
  R4: 'R4 errors',
  R5: 'R5 gray',
  R7: 'R7 traffic is fine',
  R8: 'R8 nobody else',
  health: 'health',
}

export const CONSEQUENCES: Readonly<Record<Consequence, string>> = {
  failover: 'failover',
  report: 'event only',
  stays: 'no switch',
  unavailable: 'nobody active',
  planned: 'planned switch',
  restored: 'same active after',
  unnoticed: 'NOT NOTICED',
}

export function whenNoticed({ mode, withTraffic: { ms, answers } }: WorstCase): string {
  const latest = ms === null ? '' : shortTime(ms)
  if (mode === 'errors' && ms !== null) return `${answers} in a row, or ${latest} with ${RATE_MINIMUM} answers or more`
  if (answers === null) return latest || '-'
  const bad = `${answers} ${mode === 'accepts-and-closes' ? 'resets' : 'bad answers'}`
  return latest === '' ? bad : `${bad}, or ${latest}`
}

export function fateInWords(fate: Fate, { active, next }: Names): string {
  switch (fate.is) {
    case 'answered':
      return 'as ever'
    case 'answered-elsewhere': {
      const late = fate.after === 0 ? 'at once' : `${shortTime(fate.after)} late at most`
      return `answered by ${next}, ${late}${fate.budget ? ', as long as the budget for repeated errors lasts' : ''}`
    }
    case 'hedged':
      return `asked of ${next} as well once slower than usual; the first answer counts`
    case 'held':
      return `held until the switch is done${tooLong(fate)}`
    case 'lost':
      return `in flight${andThose(fate)}: fail with 502, for they may have been executed; then answered by ${next}`
    case 'waits':
      return `in flight and the first ${shortTime(fate.ms)}: wait for ${active}, which may go on, then 504 (${shortTime(fate.until)}); later ones: held, answered by ${next}`
    case 'passed-on':
      return `get the error from ${active}, ${upTo(fate)}; then answered by ${next}`
    case 'slow':
      return `slow${fate.ms === null ? '' : ` for ${shortTime(fate.ms)}`}; what is in flight finishes on ${active}, new ones go to ${next}`
    case 'until-operator':
      return `as ${active} serves it, until an operator switches`
    case 'for-good':
      return `as ${active} serves it`
    case 'unavailable':
      return `in flight: fail; new ones wait ${shortTime(fate.atMost)} for somebody to come back, then 503`
    case 'restarted':
      return `in flight: finish, within ${shortTime(fate.finish)}; new connections are refused until it is back`
    case 'moved':
      return `in flight: finish on ${active}, within ${shortTime(fate.finish)}; new ones go to ${next}`
    case 'cut':
      return `${fate.after === 0 ? 'end at once' : `end after ${shortTime(fate.after)}`}${fate.spread === 0 ? '' : `, spread over ${shortTime(fate.spread)}`}; the client has to connect again`
  }
}

function tooLong({ ms, atMost }: Readonly<{ ms: number | null; atMost: number }>): string {
  if (ms !== null && ms <= atMost) return ` (${shortTime(ms)} at most)`
  const takes = ms === null ? 'it may take longer' : `it may take ${shortTime(ms)}`
  return `, ${shortTime(atMost)} at most, then an error: ${takes}`
}

function andThose({ ms, answers }: Moment): string {
  if (ms === 0) return ''
  return ` and sent since, ${upTo({ ms, answers })}`
}

function upTo({ ms, answers }: Moment): string {
  if (answers === null) return ms === null ? 'as long as it lasts' : `for ${shortTime(ms)} at most`
  return `until ${answers} have failed${ms === null ? '' : ` (${shortTime(ms)} at most)`}`
}
