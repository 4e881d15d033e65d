import { expect, test } from 'vitest'
import { METRICS, PREFIX } from '../../../src/metrics/table.ts'
import { pages } from './pages.ts'

const mentioned = pages.flatMap(({ path, text }) =>
  [...new Set(text.match(/\bunderstudy_[a-z_]+(?:\{[^}\n]*\})?/g))].map((name) => ({ from: path, name })),
)

test.each(mentioned)('$from mentions the metric $name, which exists with these labels', ({ name }) => {
  const [, word = '', labels = ''] = /^understudy_([a-z_]+)(?:\{(.*)\})?$/.exec(name) ?? []
  const row = METRICS.find((each) => word === each.name || word.replace(/_(bucket|sum|count)$/, '') === each.name)
  expect(row, `${PREFIX}${word}`).toBeDefined()
  for (const [label = ''] of labels.matchAll(/[a-z_]+(?==|$|,)/g)) expect(row?.labels).toContain(label)
})
