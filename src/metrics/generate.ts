/** Writes `docs/metrics.md` from the table: `node src/metrics/generate.ts`, with `--check` it only compares. */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { MetricRow } from './table.ts'
import { METRICS, PREFIX } from './table.ts'

const PAGE = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url))

const INTRODUCTION = `# Metrics

\`GET /metrics\` on the admin address answers in the text format of Prometheus:
\`\`\`
curl 127.0.0.1:9900/metrics
\`\`\`
This page is generated from \`src/metrics/table.ts\` by \`node src/metrics/generate.ts\`; a test fails when they differ.

What is worth an alert, as rules ready for Prometheus: \`config/prometheus-alerts.yml\`, explained in
[operations](operations.md).

| metric | type | labels | meaning |
|---|---|---|---|
`

export function metricsPage(): string {
  const rows = METRICS.map(({ name, type, labels, help }: MetricRow) => {
    const named = labels.map((label) => `\`${label}\``).join(' ')
    return `| \`${PREFIX}${name}\` | ${type} | ${named} | ${help} |\n`
  })
  return INTRODUCTION + rows.join('')
}

if (import.meta.main) {
  const page = metricsPage()
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page)
  else if (readFileSync(PAGE, 'utf8') !== page) {
    process.stderr.write('docs/metrics.md is out of date; run: node src/metrics/generate.ts\n')
    process.exitCode = 1
  }
}
