/** One pool of the configuration file: its keys, their defaults and what they mean. Relations between keys: `pool-relations.ts`. */
import { z } from 'zod'
import { probe } from './probe-schema.ts'
import { argv, count, duration, durationOrOff, flag, percent, size } from './units.ts'
import { exampleUpstreams, upstreams } from './upstream-schema.ts'

const MINUTE = 60_000
const MIB = 1_048_576

const detect = z
  .strictObject({
    hangAfter: duration({ min: 250, max: 5_000 })
      .prefault('400ms')
      .describe('An upstream that says nothing for this long, to requests and to checks, is taken for hung.'),
    widen: flag()
      .prefault(true)
      .describe(
        'A stall that turns out to be none (a long garbage collection) makes `hangAfter` longer for a while, up to 5 s.',
      ),
    gray: z
      .enum(['switch', 'report', 'off'])
      .prefault('switch')
      .describe('What to do when checks pass but requests of several kinds stall on the active upstream only.'),
    gateway5xx: count({ min: 1, max: 1_000 })
      .prefault(5)
      .describe(
        '502, 503 or 504 answers in a row, on more than one path, that make an upstream unfit. Of 500 it takes three times as many.',
      ),
    successRate: percent()
      .prefault('50%')
      .describe(
        'Share of good answers in a second, of at least 20, below which an upstream is unfit. `0%` turns it off.',
      ),
  })
  .describe('How real traffic shows that the active upstream fails.')
  .prefault({})

const timeouts = z
  .strictObject({
    connect: duration({ max: MINUTE })
      .prefault('400ms')
      .describe(
        'To establish a connection, for requests and for TCP alike. Once it is known how long connects take, HTTP waits three times as long as 99 % of them, at least 100 ms and at most this.',
      ),
    responseHead: duration().prefault('30s').describe('From the end of the request to the head of the response.'),
    request: duration()
      .prefault('60s')
      .describe('From the end of a request to the head of its answer, with replays and holding.'),
    upgradeIdle: duration()
      .prefault('10m')
      .describe('Silence after which a long-lived connection (WebSocket, TCP) is closed.'),
  })
  .describe('Deadlines toward the upstreams.')
  .prefault({})

const replay = z
  .strictObject({
    body: size({ max: 16 * MIB })
      .prefault('64KiB')
      .describe('Request body kept for a replay. A larger request is still served; it only cannot be replayed.'),
    idempotencyKey: flag()
      .prefault(false)
      .describe('Also replay unsafe requests that carry `Idempotency-Key`. Only if the application honours it.'),
    standbyReads: flag()
      .exactOptional()
      .describe(
        'Let the standby answer safe requests while the active upstream is suspected, or stalls. Never with `kind: singleWriter`.',
      )
      .meta({ defaultNote: '`true`, with `kind: singleWriter` `false`', example: true }),
    resume: flag()
      .prefault(false)
      .describe(
        'When an upstream cuts off a large answer to a GET, fetch the rest of it from another one (`Range`, `If-Range`). Only if equal strong ETags mean equal bytes on both. Not with `kind: singleWriter`.',
      ),
  })
  .describe('Sending a request again, elsewhere, when the first attempt failed.')

const hold = z
  .strictObject({
    requests: count()
      .prefault(1_000)
      .describe('Requests that may wait at the same time. Beyond it: 503 with `Retry-After`.'),
    bytes: size().prefault('16MiB').describe('Memory for the bodies of waiting requests.'),
    time: duration({ min: 0, max: MINUTE }).prefault('2s').describe('How long one request may wait.'),
  })
  .describe('Requests that wait while a switch is under way, or for a free connection (`maxConnections`).')
  .prefault({})

const drain = z
  .strictObject({
    timeout: duration({ min: 0 })
      .prefault('30s')
      .describe('For requests in flight to finish on the former active upstream.'),
    upgrade: duration({ min: 0 })
      .prefault('5m')
      .describe(
        'The same for long-lived connections (WebSocket, TCP), on a planned switch or with `failover: finish`.',
      ),
    spread: duration({ min: 0, max: MINUTE })
      .prefault('2s')
      .describe('Long-lived connections are closed over this time, to spare the new active upstream.'),
    failover: z
      .enum(['cut', 'finish'])
      .prefault('cut')
      .describe(
        'Long-lived connections to an upstream that was left as unfit: `cut` closes them over `spread`, `finish` gives them the time of `upgrade`.',
      ),
  })
  .describe('What happens to work in flight on an upstream that is no longer active.')
  .prefault({})

const failover = z
  .strictObject({
    mode: z
      .enum(['automatic', 'manual', 'observe'])
      .prefault('automatic')
      .describe(
        '`manual`: detect and report, and leave the switch to an operator. `observe`: also record what `automatic` would have done, failback included; nothing moves by itself.',
      ),
  })
  .describe('Leaving an active upstream that is unfit.')
  .prefault({})

const failback = z
  .strictObject({
    mode: z
      .enum(['automatic', 'manual', 'never'])
      .exactOptional()
      .describe('`never` also refuses the command.')
      .meta({ defaultNote: '`automatic`, with `kind: singleWriter` `manual`', example: 'automatic' }),
    after: duration({ min: 0 })
      .prefault('30s')
      .describe('How long the preferred upstream must have been fit without a break.'),
    ramp: durationOrOff({ min: 1_000, max: 10 * MINUTE })
      .prefault('off')
      .describe(
        'How long it is tried first with 5, 25, then 100 % of the safe requests, and compared with the active upstream.',
      ),
  })
  .describe('Returning to the preferred upstream.')

const hooks = z
  .strictObject({
    fence: argv('/usr/local/bin/fence')
      .exactOptional()
      .describe('Makes sure the former active upstream cannot write any more.'),
    promote: argv('/usr/local/bin/promote').exactOptional().describe('Makes the new active upstream the writer.'),
    timeout: duration({ max: 10 * MINUTE })
      .prefault('10s')
      .describe('For each command. One that takes longer has failed.'),
  })
  .describe('Programs to run during a switch, with `kind: singleWriter` only.')

export const examplePool = { upstreams: exampleUpstreams }

export const pool = z
  .strictObject({
    kind: z
      .enum(['stateless', 'singleWriter'])
      .prefault('stateless')
      .describe(
        '`singleWriter`: never two at once; the connections of the old one are closed before the new one gets its first byte.',
      ),
    upstreams,
    probe,
    detect,
    timeouts,
    replay: replay.prefault({}),
    hold,
    drain,
    failover,
    failback: failback.prefault({}),
    hooks: hooks.exactOptional(),
  })
  .meta({ example: examplePool })
  .transform((given) => {
    const stateless = given.kind === 'stateless'
    const mode = given.failback.mode ?? (stateless ? ('automatic' as const) : ('manual' as const))
    return {
      ...given,
      replay: { ...given.replay, standbyReads: given.replay.standbyReads ?? stateless },
      failback: { ...given.failback, mode },
    }
  })

export type WrittenPool = z.output<typeof pool>
