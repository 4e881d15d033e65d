// The classified cases of aws/http-desync-guardian (Apache-2.0), which live outside the repository: severe ones must be
// refused, the rest refused or forwarded as exactly one unambiguous request.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { StartedRig } from './pass-through.ts'
import { startRig } from './rig.ts'
import { isError, type Outcome, send } from './run-vector.ts'

type Case = {
  readonly name: string
  readonly uri: string
  readonly method: string
  readonly version: string
  readonly headers: readonly { readonly name: string; readonly value: string | number }[] | null
  readonly expected: { readonly tier: 'Compliant' | 'Acceptable' | 'Ambiguous' | 'Severe'; readonly reason: string }
}

const folder = fileURLToPath(new URL('../../../../shared/vectors/http-desync-guardian', import.meta.url))
const present = existsSync(folder)

/** YAML gives characters; those up to 0xff stand for one byte, others (look-alike letters) go as UTF-8. */
function bytesOf(text: string): string {
  return /^[\x00-\xff]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** The files give heads only. The body is the one the framing fields announce, so that nothing is left waiting. */
function bodyOf(headers: readonly { name: string; value: string }[]): string {
  const named = (word: RegExp) => headers.filter(({ name }) => word.test(name)).map(({ value }) => value)
  if (named(/^transfer-encoding$/i).some((value) => /chunked/i.test(value))) return '5\r\nhello\r\n0\r\n\r\n'
  const lengths = named(/^content-length$/i).map((value) => Number.parseInt(value.trim(), 10))
  const length = lengths.find((value) => value > 0 && value < 10_000_000)
  return length ? 'x'.repeat(length) : ''
}

function rawRequest(item: Case): string {
  const headers = (item.headers ?? []).map(({ name, value }) => ({
    name: bytesOf(String(name)),
    value: bytesOf(String(value)),
  }))
  const host = headers.some(({ name }) => /^host$/i.test(name)) ? [] : ['Host: example.test']
  const line = [item.method, bytesOf(item.uri), item.version].filter((part) => part !== '').join(' ')
  const lines = [line, ...host, ...headers.map(({ name, value }) => `${name}: ${value}`)]
  return `${lines.join('\r\n')}\r\n\r\n${bodyOf(headers)}`
}

function judgeCase(item: Case, outcome: Outcome): string[] {
  const problems = [...outcome.problems]
  const first = outcome.responses[0]
  const refused = isError(first) && first !== undefined && /^(4\d\d|501|505)$/.test(String(first.status))
  if (outcome.requests.length > 1) problems.push(`${outcome.requests.length} requests at the upstream`)
  if (outcome.requests.length === 0 && !refused) problems.push(`neither refused nor forwarded: ${first?.status}`)
  if (outcome.requests.length === 1 && !first) problems.push('forwarded and not answered')
  if (outcome.requests.length === 1 && isError(first)) problems.push(`forwarded and answered ${first?.status}`)
  if (outcome.responses.length > 1) problems.push(`${outcome.responses.length} answers`)
  if (item.expected.tier === 'Severe' && outcome.requests.length > 0) problems.push('a severe case was forwarded')
  for (const leftover of outcome.leftovers) {
    if (leftover.state === 'malformed') problems.push(`malformed at the upstream: ${leftover.why}`)
    if (!leftover.closed) problems.push(`an incomplete request stays open at the upstream: ${leftover.why}`)
  }
  const request = outcome.requests[0]
  if (request && request.method !== item.method) problems.push(`method ${request.method}`)
  if (request && request.target !== item.uri) problems.push(`target ${request.target}`)
  return problems
}

describe.skipIf(!present)(`http-desync-guardian${present ? '' : ` (skipped: no ${folder})`}`, () => {
  let rig: StartedRig
  beforeAll(async () => {
    rig = await startRig()
  })
  afterAll(() => rig?.stop())

  const files = present ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : []
  const cases = files.flatMap((file) =>
    (parse(readFileSync(`${folder}/${file}`, 'utf8')) as Case[]).map((item, index) => ({ file, index, item })),
  )

  test('all files were read', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150)
  })

  for (const { file, index, item } of cases) {
    test(`${item.expected.tier}: ${file} ${index}, ${JSON.stringify(item.name)}`, async () => {
      const bytes = rawRequest(item)
      const outcome = await send(rig, { bytes, end: true, answers: 1, methods: [item.method], closes: true })
      expect(judgeCase(item, outcome), bytes.slice(0, 400)).toEqual([])
    })
  }
})
