/** The names that upstreams are called by: each is looked up once for all that have it, from the start to the end. */
import { isNamed } from '../config/addresses.ts'
import type { UpstreamConfig } from '../config/schema.ts'
import type { Clock } from '../core/time.ts'
import { KnownAddresses } from '../wire/known-addresses.ts'
import type { Lookup } from '../wire/lookup.ts'
import { nameServerLookup, systemLookup } from '../wire/lookup.ts'
import type { ResolverLog } from '../wire/resolver.ts'
import { Resolver } from '../wire/resolver.ts'

type LookupOf = (resolve: UpstreamConfig['resolve']) => Lookup

export class Names {
  private readonly resolvers = new Map<string, Resolver>()
  private readonly setup: Readonly<{ clock: Clock; log: ResolverLog; lookupOf?: LookupOf }>

  constructor(setup: Names['setup']) {
    this.setup = setup
  }

  addressesOf({ url, resolve }: UpstreamConfig): KnownAddresses {
    const { host, path = host } = url
    if (!isNamed(url)) return KnownAddresses.of(path)
    const key = `${host} ${resolve}`
    const resolver = this.resolvers.get(key) ?? this.newResolver(host, resolve)
    this.resolvers.set(key, resolver)
    return resolver.addresses
  }

  start(): void {
    for (const resolver of this.resolvers.values()) resolver.start()
  }

  stop(): void {
    for (const resolver of this.resolvers.values()) resolver.stop()
  }

  private newResolver(host: string, resolve: UpstreamConfig['resolve']): Resolver {
    const { clock, log, lookupOf = lookupFor } = this.setup
    return new Resolver(host, { lookup: lookupOf(resolve), clock, log })
  }
}

const lookupFor: LookupOf = (resolve) => (resolve === 'ttl' ? nameServerLookup() : systemLookup(resolve))
