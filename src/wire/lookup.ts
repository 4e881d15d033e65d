/** The two ways to find the addresses of a name: as the system does it, and from the name servers themselves. */
import type { RecordWithTtl } from 'node:dns'
import { ADDRCONFIG, promises as dns, NODATA, NOTFOUND } from 'node:dns'

/** `freshFor`: after so many ms they are to be looked up again. */
export type Answer = Readonly<{ addresses: readonly string[]; freshFor: number }>

/** Rejects when there is no answer. */
export type Lookup = (host: string) => Promise<Answer>

type Records = readonly RecordWithTtl[]
/** What is used of `dns.promises.Resolver`. */
type NameServers = Readonly<{
  resolve4(host: string, options: { ttl: true }): Promise<Records>
  resolve6(host: string, options: { ttl: true }): Promise<Records>
}>

/** A TTL of 0 must not become a storm of questions, nor one of days keep us where nobody is, ms. */
const SHORTEST_TTL = 1_000
const LONGEST_TTL = 300_000
const TTL = { ttl: true } as const

/** getaddrinfo: /etc/hosts, search domains, whatever the machine is set up for. How long that holds it does not say. */
export const systemLookup =
  (every: number): Lookup =>
  async (host) => {
    const found = await dns.lookup(host, { all: true, hints: ADDRCONFIG })
    return { addresses: found.map(({ address }) => address), freshFor: every }
  }

/**
 * Asks for both families, and again when the first of the records is too old. For one name: what a family was last said to
 * have stands while it alone cannot be asked, or half of the addresses would be given up for a server's hiccup.
 */
export function nameServerLookup(servers = systemServers): Lookup {
  let six: Records = []
  let four: Records = []
  return async (host) => {
    const asked = servers()
    const [said6, said4] = await Promise.allSettled([asked.resolve6(host, TTL), asked.resolve4(host, TTL)])
    if (said6.status === 'rejected' && said4.status === 'rejected') throw said4.reason
    six = recordsOf(said6, six)
    four = recordsOf(said4, four)
    const records = [...six, ...four]
    const ttl = Math.min(...records.map((record) => record.ttl)) * 1_000
    return {
      addresses: records.map(({ address }) => address),
      freshFor: Math.min(LONGEST_TTL, Math.max(SHORTEST_TTL, ttl)),
    }
  }
}

/** A new one for each question: it reads /etc/resolv.conf once, and that may change. */
const systemServers = (): NameServers => new dns.Resolver()

function recordsOf(said: PromiseSettledResult<Records>, before: Records): Records {
  if (said.status === 'fulfilled') return said.value
  const { code } = said.reason as NodeJS.ErrnoException
  return code === NODATA || code === NOTFOUND ? [] : before
}
