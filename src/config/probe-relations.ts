/** What only makes sense between the keys of a check, and between a check and the upstreams that it is sent to. */
import { isEncrypted, type UpstreamUrl } from './addresses.ts'
import { PROBE_KEYS, type ProbeType, type WrittenProbe } from './probe-schema.ts'
import type { Path } from './problems.ts'
import { error, type Relation, when } from './relation.ts'
import type { PoolConfig } from './schema.ts'
import { formatDuration } from './units.ts'

type Subject = Readonly<{
  pool: PoolConfig
  written: Readonly<Partial<WrittenProbe>>
  path: Path
  /** What the default of `type` depends on. */
  reads: readonly Path[]
}>

export function probeRelations(subject: Subject): readonly Relation[] {
  const { pool, path } = subject
  const { timeout, interval } = pool.probe
  return [
    ...when(timeout >= interval, () =>
      error(
        [...path, 'timeout'],
        `is ${formatDuration(timeout)}; must be less than \`interval\`, ${formatDuration(interval)}`,
        [[...path, 'interval']],
      ),
    ),
    ...misplacedKeys(subject),
    ...command(subject),
    ...reachable(subject),
  ]
}

function misplacedKeys({ pool, written, path, reads }: Subject): readonly Relation[] {
  const { type } = pool.probe
  return Object.keys(written).flatMap((key) => {
    const types = typesWith(key)
    const fix = written.type === undefined ? `; write \`type: ${types[0]}\`` : ''
    return when(types.length > 0 && !types.includes(type), () =>
      error([...path, key], `only means something to a probe of type ${types.join(' or ')}, not ${type}${fix}`, [
        [...path, 'type'],
        ...reads,
      ]),
    )
  })
}

/** None for a key of the schedule, which every check has. */
const typesWith = (key: string): readonly ProbeType[] =>
  (Object.keys(PROBE_KEYS) as ProbeType[]).filter((type) => PROBE_KEYS[type].some((own) => own === key))

const command = ({ pool, path }: Subject): readonly Relation[] =>
  when(pool.probe.type === 'exec' && pool.probe.command.length === 0, () =>
    error(
      [...path, 'command'],
      'is required with `type: exec`: the program, then its arguments, such as [/usr/local/bin/check, --fast]',
      [[...path, 'type']],
    ),
  )

type Reach = Readonly<{ to: (url: UpstreamUrl) => boolean; words: string }>

const ENCRYPTED: Reach = { to: isEncrypted, words: 'https://, h2:// or tls:// upstreams' }
const NOT_HTTP: Reach = {
  to: ({ protocol }) => ['tcp', 'tls', 'unix'].includes(protocol),
  words: 'tcp://, tls:// or unix: upstreams',
}
const REACH: Readonly<Partial<Record<ProbeType, Reach>>> = {
  tls: ENCRYPTED,
  postgres: NOT_HTTP,
  redis: NOT_HTTP,
  mysql: NOT_HTTP,
  smtp: NOT_HTTP,
}

function reachable({ pool: { probe, upstreams }, path }: Subject): readonly Relation[] {
  const reach = REACH[probe.type]
  const index = upstreams.findIndex(({ url }) => reach !== undefined && !reach.to(url))
  const unfit = upstreams[index]
  if (reach === undefined || unfit === undefined) return []
  const scheme = unfit.url.protocol === 'unix' ? 'unix:' : `${unfit.url.protocol}://`
  return [
    error([...path, 'type'], `\`${probe.type}\` needs ${reach.words}; \`${unfit.name}\` is ${scheme}`, [
      [...path.slice(0, -1), 'upstreams', index, 'url'],
    ]),
  ]
}
