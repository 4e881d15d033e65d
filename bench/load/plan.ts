// The whole load, decided before the first request: what is due when. The same seed gives the same plan. Pure.
import { DOWNLOADS } from '../origin/downloads.ts'
import { type Random, seededRandom } from './random.ts'

export type LoadShape = {
  readonly rate: number
  readonly seconds: number
  readonly seed: number
  /** Share of POSTs with bodies, 0 to 1. */
  readonly postShare: number
  /** Share of honest requests that take `slowMs` (GET only: a slow POST in flight at a crash is lost to everybody). */
  readonly slowShare: number
  readonly slowMs: number
  /** Share of GETs of 10 MiB, whose bytes are the same on both origins. */
  readonly downloadShare: number
}

export const DEFAULT_SHAPE: LoadShape = {
  rate: 300,
  seconds: 6,
  seed: 1,
  postShare: 0.2,
  slowShare: 0.02,
  slowMs: 2_000,
  downloadShare: 0,
}

export type PlannedRequest = {
  readonly id: string
  /** Milliseconds after the start of the load. */
  readonly dueAfter: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly slow: boolean
  readonly body: Buffer
}

const SMALLEST_BODY = 100
const LARGEST_BODY = 4096

const randomBody = (random: Random): Buffer => {
  const body = Buffer.alloc(SMALLEST_BODY + Math.floor(random() * (LARGEST_BODY - SMALLEST_BODY + 1)))
  for (let i = 0; i < body.length; i += 1) body[i] = Math.floor(random() * 256)
  return body
}

const NO_BODY = Buffer.alloc(0)

const chooseGet = (random: Random): string => {
  const which = random()
  if (which < 0.6) return `/items/${Math.floor(random() * 1000)}`
  if (which < 0.8) return '/cart'
  if (which < 0.865) return `/search?q=${Math.floor(random() * 1000)}`
  return '/'
}

const DIFFERENT_DOWNLOADS = 4

const planOne = (shape: LoadShape, random: Random, index: number): PlannedRequest => {
  const base = { id: `${shape.seed}-${index}`, dueAfter: (index * 1000) / shape.rate }
  // Asked only where there are any, so that the other loads stay what they were for a seed.
  if (shape.downloadShare > 0 && random() < shape.downloadShare) {
    const path = `${DOWNLOADS}${Math.floor(random() * DIFFERENT_DOWNLOADS)}`
    return { ...base, method: 'GET', path, slow: false, body: NO_BODY }
  }
  if (random() < shape.slowShare) {
    return { ...base, method: 'GET', path: `/reports/${index}?ms=${shape.slowMs}`, slow: true, body: NO_BODY }
  }
  if (random() < shape.postShare) {
    const path = random() < 0.5 ? '/orders' : '/cart'
    return { ...base, method: 'POST', path, slow: false, body: randomBody(random) }
  }
  return { ...base, method: 'GET', path: chooseGet(random), slow: false, body: NO_BODY }
}

export const planLoad = (shape: LoadShape): PlannedRequest[] => {
  const random = seededRandom(shape.seed)
  return Array.from({ length: Math.round(shape.rate * shape.seconds) }, (_, index) => planOne(shape, random, index))
}
