/** Every short sequence of events in a single-writer pool: the invariants hold after every step, and every switch can end. */
import { describe } from 'vitest'
import { everySequence } from './support/every-sequence.ts'

describe('every sequence', () => everySequence('singleWriter'))
