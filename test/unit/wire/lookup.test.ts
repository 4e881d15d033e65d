import { NODATA, NOTFOUND, type RecordWithTtl, SERVFAIL } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { nameServerLookup, systemLookup } from '../../../src/wire/lookup.ts'

const record = (address: string, ttl = 30): RecordWithTtl => ({ address, ttl })
const failure = (code: string) => Object.assign(new Error(`the servers say ${code}`), { code })

type Said = RecordWithTtl[] | Error

/** What the servers say, one pair after the other: of IPv6, of IPv4. */
function asking(...turns: readonly (readonly [six: Said, four: Said])[]) {
  const say = async (said: Said | undefined): Promise<RecordWithTtl[]> => {
    if (said === undefined || said instanceof Error) throw said
    return said
  }
  let turn = -1
  return nameServerLookup(() => {
    turn++
    return { resolve6: () => say(turns[turn]?.[0]), resolve4: () => say(turns[turn]?.[1]) }
  })
}

describe('the name servers', () => {
  it('are asked for both families, and what they say holds for the shortest TTL', async () => {
    const lookup = asking([[record('fd00::1', 60)], [record('10.0.0.1', 40), record('10.0.0.2', 20)]])
    expect(await lookup('app')).toEqual({ addresses: ['fd00::1', '10.0.0.1', '10.0.0.2'], freshFor: 20_000 })
  })

  it.each([
    [0, 1_000],
    [1, 1_000],
    [299, 299_000],
    [86_400, 300_000],
  ])('with a TTL of %i s are asked again after %i ms', async (ttl, freshFor) => {
    expect(await asking([failure(NODATA), [record('10.0.0.1', ttl)]])('app')).toMatchObject({ freshFor })
  })

  it('may know one family only', async () => {
    expect(await asking([[record('fd00::1')], failure(NOTFOUND)])('app')).toMatchObject({ addresses: ['fd00::1'] })
  })

  it('that fail for one family take no address of it away', async () => {
    const lookup = asking(
      [[record('fd00::1')], [record('10.0.0.1')]],
      [[record('fd00::2')], failure(SERVFAIL)],
      [[record('fd00::2')], failure(NODATA)],
    )
    await lookup('app')
    expect((await lookup('app')).addresses).toEqual(['fd00::2', '10.0.0.1'])
    expect((await lookup('app')).addresses).toEqual(['fd00::2'])
  })

  it('that fail for both have failed, and so has a name that does not exist', async () => {
    await expect(asking([failure(SERVFAIL), failure(SERVFAIL)])('app')).rejects.toThrow('the servers say ESERVFAIL')
    await expect(asking([failure(NOTFOUND), failure(NOTFOUND)])('app')).rejects.toThrow('the servers say ENOTFOUND')
  })
})

it('the system knows what is in /etc/hosts, and is asked again as often as is wanted', async () => {
  const { addresses, freshFor } = await systemLookup(5_000)('localhost')
  expect(['127.0.0.1', '::1']).toContain(addresses[0])
  expect(freshFor).toBe(5_000)
})
