/** `understudy plan`: from a file to sentences. The figures themselves are tested where they are made, in test/core. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/exit.ts'
import { emptyDir, run } from './support.ts'

const SECONDS = 20_000

function file(pool: string): string {
  const path = join(emptyDir(), 'understudy.yaml')
  writeFileSync(
    path,
    `
listeners:
  web: { listen: 127.0.0.1:8080, pool: shop }
pools:
  shop:
    upstreams:
      - { name: blue, url: http://127.0.0.1:3001 }
      - { name: green, url: http://127.0.0.1:3002 }
${pool}`,
  )
  return path
}

type Plan = {
  pools: { pool: string; cases: { mode: string; consequence: string; withTraffic: object }[]; notes: string[] }[]
}
const planOf = async (pool: string): Promise<Plan['pools'][number] | undefined> => {
  const { code, out } = await run(['plan', file(pool), '--json'])
  expect(code).toBe(EXIT.ok)
  return (JSON.parse(out) as Plan).pools[0]
}

/** The lines below a way of failing. */
const below = (out: string, mode: string): string => {
  const lines = out.split('\n')
  const at = lines.indexOf(`  ${mode}`)
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('    '))
  return lines.slice(at + 1, end).join('\n')
}

describe('plan', { timeout: SECONDS }, () => {
  it('tells about the configuration that comes with Understudy when no file is named', async () => {
    const { code, out } = await run(['plan'])
    expect(code).toBe(EXIT.ok)
    expect(out).toContain('shop: blue is preferred, then green; stateless, failover automatic')
    expect(out).toMatch(/stopped \(SIGSTOP\), hung +│ 400 ms +│ 900 ms +│ R3 hang +│ failover/)
    expect(below(out, 'stopped (SIGSTOP), hung')).toContain('GET               answered by green, 150 ms late at most')
    expect(out).not.toContain('\u001b')
  })

  it('follows the settings of the file', async () => {
    const { out } = await run([
      'plan',
      file('    detect: { hangAfter: 1s, gray: off }\n    probe: { type: tcp, interval: 2s }\n'),
    ])
    expect(out).toMatch(/stopped \(SIGSTOP\), hung +│ - +│ - +│ - +│ NOT NOTICED/)
    expect(out).toMatch(/all packets to it dropped +│ 1 s +│ 3 s +│ R3 hang/)
    expect(out).toContain('The probe only connects')
  })

  it('promises no switch where none happens', async () => {
    const plan = await planOf('    failover: { mode: manual }\n')
    expect(plan?.cases.map(({ consequence }) => consequence)).not.toContain('failover')
    expect(plan?.notes).toContainEqual(expect.stringMatching(/^failover\.mode is manual/))
  })

  it('says when requests cannot be held for as long as a switch may take', async () => {
    const slow = '    kind: singleWriter\n    hooks: { promote: [/bin/true], timeout: 10s }\n'
    expect((await planOf(slow))?.notes).toContainEqual(
      expect.stringContaining('hold.time (2 s) is shorter than a switch'),
    )
    const patient = await planOf(`${slow}    hold: { time: 60s }\n    drain: { timeout: 5s }\n`)
    expect(patient?.notes.join()).not.toContain('is shorter than')
  })

  it('says what becomes of requests for which there is no connection', async () => {
    const path = join(emptyDir(), 'understudy.yaml')
    const upstreams = ['blue', 'green'].map(
      (name, nr) => `{ name: ${name}, url: http://h${nr}, maxConnections: 20${nr} }`,
    )
    const web = '{ listen: 127.0.0.1:8080, pool: shop }'
    writeFileSync(path, `{ listeners: { web: ${web} }, pools: { shop: { upstreams: [${upstreams.join(', ')}] } } }`)
    const { out } = await run(['plan', path, '--json'])
    expect((JSON.parse(out) as Plan).pools[0]?.notes).toContain(
      'Connections at a time (maxConnections): 200 to blue, 201 to green. A request that finds none free waits, 2 s at most (hold.time), then it gets 503.',
    )
    expect((await planOf(''))?.notes.join()).not.toContain('maxConnections')
  })

  it('refuses a wrong configuration as check does', async () => {
    const { code, out, err } = await run(['plan', file('    colour: red\n')])
    expect({ code, out }).toEqual({ code: EXIT.error, out: '' })
    expect(err).toMatch(/understudy\.yaml:\d+:\d+ .*colour/)
  })
})
