/**
 * From plain data to a `Config`, or to everything that is wrong with it. The schema library stops judging an object at its
 * first wrong member, and relations need a whole configuration: so what is wrong is replaced by its default or example, and
 * the rest is judged again. Findings that would rest on a replaced value are left out.
 */
import { explain } from './issues.ts'
import { type Outline, outlineAt, outlineOfConfig } from './outline.ts'
import { type Finding, type Problem, startsWith } from './problems.ts'
import { relate } from './relations.ts'
import { type Config, configSchema, resolve, type WrittenConfig } from './schema.ts'

export type Verdict = Readonly<
  { ok: true; config: Config; warnings: readonly Finding[] } | { ok: false; problems: readonly Finding[] }
>

/** What callers get: every finding with its place. */
export type Result = Readonly<
  { ok: true; config: Config; warnings: readonly Problem[] } | { ok: false; problems: readonly Problem[] }
>

/** Every round repairs at least one level of nesting; the schema has eight. */
const ROUNDS = 10

/** `known`: what is already found to be wrong in `raw`. */
export function validate(raw: unknown, known: readonly Finding[] = []): Verdict {
  const first = configSchema.safeParse(raw)
  if (first.success && known.length === 0) return conclude(first.data, [])
  const problems = [...known]
  const outline = outlineOfConfig()
  let data = repair(raw, known, outline)
  for (let round = 0; round < ROUNDS; round += 1) {
    const parsed = configSchema.safeParse(data)
    if (parsed.success) return conclude(parsed.data, problems)
    const findings = parsed.error.issues.flatMap((issue) => explain(issue, data, outline))
    problems.push(...findings.filter(({ path }) => !problems.some((problem) => startsWith(path, problem.path))))
    data = repair(data, findings, outline)
  }
  return { ok: false, problems }
}

function conclude(written: WrittenConfig, problems: readonly Finding[]): Verdict {
  const config = resolve(written)
  const relations = relate(written, config).filter(({ path, reads = [] }) =>
    [path, ...reads].every((read) => !problems.some((problem) => startsWith(read, problem.path))),
  )
  const errors = relations.filter(({ severity }) => severity === 'error')
  if (problems.length + errors.length > 0) return { ok: false, problems: [...problems, ...errors] }
  return { ok: true, config, warnings: relations }
}

type Container = Record<string | number, unknown>
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

/** A copy in which every value that was found wrong is gone, or is the example where the schema insists on a value. */
function repair(raw: unknown, findings: readonly Finding[], outline: Outline): unknown {
  if (findings.length === 0) return raw
  if (findings.some(({ path }) => path.length === 0) && !isContainer(raw)) return {}
  const copy = clone(raw)
  for (const finding of findings) replace(copy, finding, outline)
  return copy
}

/** Not `structuredClone`: what YAML aliases share must come apart, or a repair in one place would change another. */
function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone)
  if (!isContainer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clone(each)]))
}

function replace(root: unknown, { path, at }: Finding, outline: Outline): void {
  const owner = path.slice(0, -1).reduce<unknown>((value, key) => (isContainer(value) ? value[key] : undefined), root)
  const key = path.at(-1)
  if (!isContainer(owner) || key === undefined) return
  const parent = outlineAt(outline, path.slice(0, -1))
  // Items and named entries keep their place: other parts of the file refer to it.
  const needed = typeof key === 'number' || parent?.properties === undefined || parent.required?.includes(key)
  if (needed && at !== 'key') owner[key] = clone(exampleOf(outlineAt(outline, path)))
  else delete owner[key]
}

const exampleOf = (outline: Outline | undefined): unknown => outline?.example ?? outline?.enum?.[0]
