// A network of its own for one origin, whose packets can be lost on the way:
//   proxy, here ── veth ── router namespace ── veth ── origin namespace
// Packets are dropped while the router forwards them, so that neither side learns of it: a drop on one of the ends would be
// told to its own TCP. Nothing outside of the two namespaces and one interface is touched, and both go away at the end,
// whatever happens. Needs root, iproute2, nftables and a kernel that has both.
import { spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { now } from '../clock.ts'

export type LossyNetwork = {
  /** Address of whoever runs inside. */
  readonly host: string
  /** What a command is preceded by in order to run inside. */
  readonly enter: readonly string[]
  /** Loses this share of all packets in both directions, 0 to 1. Returns the moment from which it was in force. */
  lose(share: number): number
  stop(): Promise<void>
}

type Names = { readonly outside: string; readonly router: string; readonly origin: string; readonly net: string }

const PREFIX = 'understudy-bench'
const PER_MILLE = 1_000

const run = (command: string, args: readonly string[], input = ''): string => {
  const { error, status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8' })
  if (error) throw new Error(`${command}: ${error.message}`)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}

/** What is not there any more need not be removed. */
const tryRun = (command: string, args: readonly string[]): void => void spawnSync(command, args)

// Another bench on this machine may have one too.
const freeNet = (): string => {
  const taken = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
  for (let i = 0; i < 256; i += 1) {
    const net = `10.231.${(process.pid + i) % 256}`
    if (!taken.some((address) => address.startsWith(`${net}.`))) return net
  }
  throw new Error('10.231.0.0/16 is in use')
}

const namespaceNames = (): string[] =>
  run('ip', ['netns', 'list'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith(`${PREFIX}-`))

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A bench that was killed could not tidy up; the interfaces go with their namespaces. */
const removeLeftovers = (): void => {
  for (const name of namespaceNames()) {
    if (!isAlive(Number(name.split('-')[2]))) tryRun('ip', ['netns', 'del', name])
  }
}

const build = ({ outside, router, origin, net }: Names): void => {
  const batch = [
    `netns add ${router}`,
    `netns add ${origin}`,
    `link add ${outside} type veth peer name near netns ${router}`,
    `-n ${router} link add far type veth peer name inside netns ${origin}`,
    `addr add ${net}.1/30 dev ${outside}`,
    `link set ${outside} up`,
    `-n ${router} addr add ${net}.2/30 dev near`,
    `-n ${router} addr add ${net}.5/30 dev far`,
    `-n ${router} link set near up`,
    `-n ${router} link set far up`,
    `-n ${origin} addr add ${net}.6/30 dev inside`,
    `-n ${origin} link set inside up`,
    `-n ${origin} route add default via ${net}.5`,
    `route add ${net}.4/30 via ${net}.2`,
  ]
  for (const line of batch) run('ip', line.split(' '))
  run('ip', ['netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
}

const rules = (share: number): string => {
  const some = share < 1 ? `numgen random mod ${PER_MILLE} < ${Math.round(share * PER_MILLE)} ` : ''
  return `
table ip bench
delete table ip bench
table ip bench {
  chain crossing {
    type filter hook forward priority 0; policy accept;
    ${share > 0 ? `${some}drop` : ''}
  }
}
`
}

const remove = ({ outside, router, origin }: Names): void => {
  tryRun('ip', ['link', 'del', outside])
  tryRun('ip', ['netns', 'del', origin])
  tryRun('ip', ['netns', 'del', router])
}

let made = 0

export const makeLossyNetwork = (): LossyNetwork => {
  removeLeftovers()
  made += 1
  const id = `${process.pid}-${made}`
  const names: Names = {
    outside: `us${id}`,
    router: `${PREFIX}-${id}-router`,
    origin: `${PREFIX}-${id}-origin`,
    net: freeNet(),
  }
  const undo = () => remove(names)
  process.once('exit', undo)
  const stop = async () => {
    process.off('exit', undo)
    undo()
  }
  try {
    build(names)
  } catch (error) {
    void stop()
    throw error
  }
  return {
    host: `${names.net}.6`,
    enter: ['ip', 'netns', 'exec', names.origin],
    lose: (share) => {
      run('ip', ['netns', 'exec', names.router, 'nft', '-f', '-'], rules(share))
      return now()
    },
    stop,
  }
}

/** Why there can be none here, or null. */
export const lossyNetworkMissing = (): string | null => {
  if (process.platform !== 'linux') return 'needs Linux'
  try {
    const network = makeLossyNetwork()
    try {
      network.lose(0.5)
    } finally {
      void network.stop()
    }
    return null
  } catch (error) {
    return `needs root, ip, nft: ${error instanceof Error ? error.message : String(error)}`
  }
}
