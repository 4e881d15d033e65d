import { describe, expect, it } from 'vitest'
import { configFromFlags, type Flags, formatProblem } from '../../../src/config/load.ts'
import { accepted, MINIMAL } from './support.ts'

const FLAGS: Flags = { primary: 'http://10.0.0.1:3000', standby: ['http://10.0.0.2:3000'], listen: ':8080' }

const problems = (flags: Flags): readonly string[] => {
  const result = configFromFlags(flags)
  return result.ok ? [] : result.problems.map(formatProblem)
}

describe('flags', () => {
  it('make the same configuration as a file', () => {
    const text = MINIMAL.replaceAll('shop', 'default')
      .replace('name: blue', 'name: primary')
      .replace('name: green', 'name: standby')
      .replace('0.0.0.0:8080', '":8080"')
    expect(configFromFlags(FLAGS)).toEqual({ ok: true, config: accepted(text), warnings: [] })
  })

  it('number further standbys', () => {
    const result = configFromFlags({ ...FLAGS, standby: ['http://b', 'http://c', 'http://d'] })
    const names = result.ok ? result.config.pools.default?.upstreams.map(({ name, role }) => [name, role]) : []
    expect(names).toEqual([
      ['primary', 'primary'],
      ['standby', 'standby'],
      ['standby-2', 'standby'],
      ['standby-3', 'standby'],
    ])
  })

  it('move the admin API', () => {
    expect(configFromFlags({ ...FLAGS, admin: '127.0.0.1:1234' })).toMatchObject({
      config: { admin: { listen: { port: 1234 } } },
    })
  })

  it('are named in every problem, all at once', () => {
    expect(problems({ primary: 'x', standby: ['http://b', 'http://h/path'], listen: '8080', admin: ':9' })).toEqual([
      'command line: --listen expected an address to listen on, such as 0.0.0.0:8080, "[::]:8080", :8080 or unix:/run/understudy.sock',
      'command line: --primary expected the URL of an upstream, such as http://10.0.0.1:3000, https://app.internal or tcp://10.0.0.1:5432',
      'command line: --standby must not contain a path: a request keeps its own path. Write only scheme, host and port',
      'command line: --admin needs `admin.token` for any address that is not loopback: whoever reaches it can switch pools',
    ])
  })

  it('make a tcp listener for tcp:// and tls://', () => {
    for (const scheme of ['tcp', 'tls']) {
      const flags = { ...FLAGS, primary: `${scheme}://db-1:5432`, standby: [`${scheme}://db-2:5432`] }
      expect(configFromFlags(flags)).toMatchObject({
        ok: true,
        config: { listeners: { web: { protocol: 'tcp' } }, pools: { default: { probe: { type: scheme } } } },
      })
    }
  })

  it('need a standby', () => {
    expect(problems({ ...FLAGS, standby: [] })).toEqual([
      'command line: --standby needs a primary and at least one standby: two upstreams or more',
    ])
  })

  it('warn like a file', () => {
    expect(configFromFlags({ ...FLAGS, standby: [FLAGS.primary] })).toMatchObject({
      ok: true,
      warnings: [{ path: '--standby', message: 'is the same server as `primary`: it would fail with it' }],
    })
  })
})
