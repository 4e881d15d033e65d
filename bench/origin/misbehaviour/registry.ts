// Every way an origin can misbehave, by the name the trial asks for. To add one: a file beside this one, and a line here.
import type { Behaviour } from '../behaviour.ts'
import { acceptAndClose } from './accept-and-close.ts'
import { alternating } from './alternating.ts'
import { answersCut } from './answers-cut.ts'
import { closePort } from './close-port.ts'
import { everythingSlow } from './everything-slow.ts'
import { failEverythingButHealth } from './fail-everything-but-health.ts'
import { gracefulStop } from './graceful-stop.ts'
import { idleClose } from './idle-close.ts'
import { normal } from './normal.ts'
import { onePath500 } from './one-path-500.ts'
import { onePathSlow } from './one-path-slow.ts'
import { pauses } from './pauses.ts'
import { probeRed } from './probe-red.ts'
import { random500 } from './random-500.ts'
import { refuseEverything } from './refuse-everything.ts'

export const misbehaviours = {
  normal,
  'refuse-everything': refuseEverything,
  'fail-everything-but-health': failEverythingButHealth,
  'one-path-500': onePath500,
  'accept-and-close': acceptAndClose,
  'close-port': closePort,
  'graceful-stop': gracefulStop,
  'everything-slow': everythingSlow,
  'answers-cut': answersCut,
  'idle-close': idleClose,
  alternating,
  'one-path-slow': onePathSlow,
  pauses,
  'random-500': random500,
  'probe-red': probeRed,
} as const satisfies Record<string, Behaviour>

export type MisbehaviourName = keyof typeof misbehaviours

export const isMisbehaviour = (name: string): name is MisbehaviourName => Object.hasOwn(misbehaviours, name)
