// Clients that others wrote. Each test is skipped where its program is missing.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { whole } from './support/answers.ts'
import { Front } from './support/http2-front.ts'

const run = promisify(execFile)
const installed = (program: string): boolean =>
  (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

let front: Front
let url: string
beforeAll(async () => {
  front = await Front.start()
  url = `http://127.0.0.1:${front.port}/tea`
  front.blue.script = ({ method, body }) => whole(200, `${method} ${body}`)
})
afterAll(() => front.stop())

test.skipIf(!installed('curl'))('curl sends a request and gets the answer (skipped without curl)', async () => {
  const { stdout } = await run('curl', [
    '-sS',
    '--http2-prior-knowledge',
    '-d',
    'one tea',
    '-w',
    ' %{http_version}',
    url,
  ])
  expect(stdout).toBe('POST one tea 2')
})

test.skipIf(!installed('nghttp'))('nghttp takes the answer apart (skipped without nghttp)', async () => {
  const { stdout } = await run('nghttp', ['-v', '--no-dep', url])
  expect(stdout).toMatch(/:status: 200/)
  expect(stdout).toMatch(/GET /)
  expect(stdout).not.toMatch(/RST_STREAM|PROTOCOL_ERROR/)
})

test.skipIf(!installed('h2load'))('h2load loses none of 5,000 requests (skipped without h2load)', async () => {
  const { stdout } = await run('h2load', ['-n', '5000', '-c', '10', '-m', '50', '-p', 'h2c', url])
  expect(stdout).toMatch(/5000 succeeded, 0 failed, 0 errored, 0 timeout/)
  expect(stdout).toMatch(/5000 2xx/)
})
