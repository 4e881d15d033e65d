/** What the pages say about the code: files, classes, codes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { page, pages, root } from './pages.ts'

const ours = pages.filter(({ path }) => path.startsWith('docs/') || path === 'CONTRIBUTING.md')

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(root, 'src', file), 'utf8'))

const files = ours.flatMap(({ path, folder, text }) =>
  [...new Set(text.match(/(?<![\w./-])(?:[a-z][a-z-]*\/)+[a-z-]+\.ts\b/g))].map((file) => ({
    from: path,
    folder,
    file,
  })),
)

test.each(files)('$from names the file $file, which exists', ({ folder, file }) => {
  expect(['', 'src', folder].some((place) => existsSync(join(root, place, file)))).toBe(true)
})

const methods = ours.flatMap(({ path, code }) =>
  code.flatMap((span) => {
    const [, owner, method] = /^([A-Z][a-z][A-Za-z]*)\.([a-z][A-Za-z]+)$/.exec(span) ?? []
    return owner && method ? [{ from: path, name: span, owner, method }] : []
  }),
)

test.each(methods)('$from names the method $name, which exists', ({ owner, method }) => {
  const declares = new RegExp(`\\b(?:class|interface) ${owner}\\b[\\s\\S]*\\n  (?:private |static |get )*${method}\\(`)
  expect(sources.some((source) => declares.test(source))).toBe(true)
})

const TABLE = /^ {2}([a-z_]+): \{/gm
/** No request is refused for the size of its body. */
const UNUSED: readonly string[] = ['content_too_large']
const codes = [...readFileSync(join(root, 'src/http/error-response.ts'), 'utf8').matchAll(TABLE)].map(
  ([, code = '']) => code,
)

test.each(codes.filter((code) => !UNUSED.includes(code)))(
  'the page on replays tells what the error %s means',
  (code) => {
    expect(codes.length).toBeGreaterThan(8)
    expect(page('docs/replays.md').code).toContain(code)
  },
)

const types = /export type NoticeType =([^=]+)export/.exec(readFileSync(join(root, 'src/core/events.ts'), 'utf8'))?.[1]
const notices = [...(types ?? '').matchAll(/'([a-z-]+)'/g)].map(([, type]) => type)

test.each(notices)('the page on failover tells what the event %s means', (type) => {
  expect(notices.length).toBeGreaterThan(10)
  expect(page('docs/failover.md').code).toContain(type)
})
