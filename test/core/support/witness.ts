/** One upstream's evidence on a simulated clock, with failures that differ from a plain one only where a test says so. */
import type { Finding } from '../../../src/core/evidence.ts'
import { Evidence } from '../../../src/core/evidence.ts'
import type { Failure } from '../../../src/core/failure.ts'
import type { Millis } from '../../../src/core/time.ts'
import { ms } from '../../../src/core/time.ts'
import { START } from './build.ts'

const RESET: Failure = {
  phase: 'awaiting-head',
  blame: 'upstream',
  connection: 'fresh',
  kind: 'reset',
  detail: 'connection reset',
  status: 0,
}

type Found = 'nothing' | 'confirm' | `convict ${string}`

export class Witness {
  readonly evidence = new Evidence({ gatewayErrors: 5, successRate: 0.5 }, START)
  now: Millis = START
  detail = ''

  pass(duration: number): this {
    this.now = ms(this.now + duration)
    return this
  }

  answered(status: number, routeClass = 'GET /shop'): Found {
    const finding = this.evidence.answered(status, routeClass, this.now)
    this.evidence.delivered(status, this.now, this.now)
    return this.found(finding)
  }

  /** Its head is here, its body not yet. */
  began(status: number): Found {
    return this.found(this.evidence.answered(status, 'GET /shop', this.now))
  }

  failed(change: Partial<Failure>, routeClass = 'GET /shop'): Found {
    return this.found(this.evidence.failed({ ...RESET, ...change }, routeClass, this.now))
  }

  probed(kind: Failure['kind'] | null): Found {
    return this.found(this.evidence.probed(kind, this.now))
  }

  /** One answer after the other, `apart` ms apart; what each of them led to. */
  answers(statuses: readonly number[], choice: { classes?: readonly string[]; apart?: number } = {}): Found[] {
    const { classes = ['GET /shop', 'GET /cart'], apart = 1 } = choice
    return statuses.map((status, index) => this.pass(apart).answered(status, classes[index % classes.length]))
  }

  private found(finding: Finding | null): Found {
    if (finding === null) return 'nothing'
    if (finding.type === 'confirm') return 'confirm'
    this.detail = finding.conviction.detail
    return `convict ${finding.conviction.rule}`
  }
}

export const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value)
