/** The text of a configuration file, YAML or JSON: to plain data, and from a path in that data back to line and column. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import { type Environment, substitute } from './environment.ts'
import { type Finding, formatPath, type Path, type Problem } from './problems.ts'

/** Far above what a configuration needs; far below what would keep the parser busy. */
const LARGEST_FILE = 1_048_576
const MOST_ALIASES = 100

/** Keys given twice are found by `visit`, which knows their path. Pretty errors would quote the file. */
const OPTIONS = { prettyErrors: false, logLevel: 'error', stringKeys: true, uniqueKeys: false } as const

type Source = Readonly<{
  raw: unknown
  /** Already known to be wrong in `raw`: judging these values again would only repeat it. */
  findings: readonly Finding[]
  locate: (finding: Finding) => Problem
}>
/** No `source` when the text is too damaged to judge what it says. */
export type Reading = Readonly<{ source?: Source; problems: readonly Problem[] }>

type Walk = Readonly<{
  document: Document
  env: Environment
  findings: Finding[]
  variables: Map<Scalar, readonly string[]>
  /** Aliases that lead nowhere or into themselves: there is no plain data for them. */
  dangling: Node[]
  report: (node: unknown, path: Path, message: string) => void
}>

export function readDocument(text: string, file: string, env: Environment): Reading {
  const lines = new LineCounter()
  const problem = (offset: number, message: string, path: Path = []): Problem => {
    const { line, col: column } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, column), path: formatPath(path), message }
  }
  if (text.length > LARGEST_FILE) return { problems: [problem(0, 'is larger than 1MiB, which no configuration needs')] }
  try {
    const document = parseDocument(text, { ...OPTIONS, lineCounter: lines })
    const errors = syntaxErrors(document, text)
    if (errors.length > 0) return { problems: errors.map(({ offset, message }) => problem(offset, message)) }
    return readNodes(document, env, problem)
  } catch (error) {
    // toJS throws on aliases that multiply, the parser on nesting deeper than the stack. Both are somebody's bad joke.
    const aliases = error instanceof ReferenceError
    return { problems: [problem(0, aliases ? 'uses too many YAML aliases (*…)' : 'is nested too deeply')] }
  }
}

function readNodes(
  document: Document,
  env: Environment,
  problem: (offset: number, message: string, path?: Path) => Problem,
): Reading {
  const problems: Problem[] = []
  const report: Walk['report'] = (node, path, message) => problems.push(problem(startOf(node), message, path))
  const walk: Walk = { document, env, findings: [], variables: new Map(), dangling: [], report }
  visit(document.contents, [], walk)
  if (walk.dangling.length > 0) return { problems }
  const raw: unknown = document.toJS({ maxAliasCount: MOST_ALIASES })
  const locate = (finding: Finding): Problem => {
    const { offset, names } = find(walk, finding)
    const origin = names.length > 0 ? ` (the value comes from ${names.map((name) => `\${${name}}`).join(', ')})` : ''
    return problem(offset, finding.message + origin, finding.path)
  }
  return { problems, source: { raw, findings: walk.findings, locate } }
}

type SyntaxError = Readonly<{ offset: number; message: string }>

/** After the first error the parser guesses, so only that one is told. Unknown tags are mere warnings to it. */
function syntaxErrors({ errors, warnings }: Document, text: string): readonly SyntaxError[] {
  const first = errors[0]
  return (first === undefined ? warnings : [first]).map((error) => ({
    offset: error.pos[0],
    message: explainSyntax(error, text),
  }))
}

/** The parser's own words where they are helpful and cannot contain a piece of the file. */
function explainSyntax({ code, message, pos }: YAMLError, text: string): string {
  const before = text.slice(text.lastIndexOf('\n', pos[0] - 1) + 1, pos[0] + 1)
  if (code === 'UNEXPECTED_TOKEN' && /\$\{?$/.test(before)) return `put "\${…}" in quotes inside { } and [ ]`
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'a second document starts here; a configuration is one document'
    case 'TAG_RESOLVE_FAILED':
      return 'YAML tags (!…) have no meaning here'
    case 'TAB_AS_INDENT':
      return 'indent with spaces, not tabs'
    case 'RESOURCE_EXHAUSTION':
      return 'is nested too deeply'
    case 'NON_STRING_KEY':
      return 'a key must be plain text'
    case 'UNEXPECTED_TOKEN':
    case 'BAD_ALIAS':
    case 'BAD_DIRECTIVE':
    case 'BAD_DQ_ESCAPE':
    case 'BAD_COLLECTION_TYPE':
      return 'cannot be understood here (YAML syntax); look at brackets, quotes and indentation'
    default:
      return `${message} (YAML syntax)`
  }
}

/** Replaces `${…}` in place and reports what the schema cannot see. Aliases are not followed: their anchor is visited. */
function visit(node: unknown, path: Path, walk: Walk): void {
  if (isScalar(node) && typeof node.value === 'string') fill(node, path, walk)
  if (isAlias(node)) checkAlias(node, path, walk)
  if (isSeq(node)) for (const [index, item] of node.items.entries()) visit(item, [...path, index], walk)
  if (!isMap(node)) return
  const seen = new Set<string>()
  for (const pair of node.items) {
    const key = keyOf(pair)
    if (seen.has(key)) walk.report(pair.key, [...path, key], 'is given twice')
    // The schema library skips this one silently, and nothing may be ignored silently.
    if (key === '__proto__') walk.findings.push({ path: [...path, key], message: 'is not a possible key', at: 'key' })
    seen.add(key)
    visit(pair.value, [...path, key], walk)
  }
}

function checkAlias(alias: Alias, path: Path, walk: Walk): void {
  const target = alias.resolve(walk.document)
  const around = path.map((_, depth) => nodeAt(walk.document, path.slice(0, depth)))
  if (target !== undefined && !around.includes(target)) return
  walk.dangling.push(alias)
  const reason = target === undefined ? 'refers to an anchor (&…) that is not defined above' : 'contains itself'
  walk.report(alias, path, reason)
}

const nodeAt = (document: Document, path: Path): unknown =>
  path.length === 0 ? document.contents : document.getIn(path, true)

function fill(scalar: Scalar, path: Path, { env, findings, variables }: Walk): void {
  const { text, names, problems } = substitute(String(scalar.value), env)
  scalar.value = text
  if (problems.length === 0) variables.set(scalar, names)
  for (const message of problems) findings.push({ path, message })
}

const keyOf = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key)
const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)

/** Where the path leads in the text. What is missing is reported at the key of the mapping that lacks it. */
function find({ document, variables }: Walk, { path, at }: Finding): { offset: number; names: readonly string[] } {
  let node: unknown = document.contents
  let owner = startOf(node)
  for (const [index, key] of path.entries()) {
    const found = child(node, key, document)
    if (found === undefined) return { offset: owner, names: [] }
    owner = startOf(isPair(found) ? found.key : found)
    node = isPair(found) ? found.value : found
    if (at === 'key' && index === path.length - 1) return { offset: owner, names: [] }
  }
  const written = isNode(node) && !(isScalar(node) && node.value === null)
  const block = (isMap(node) || isSeq(node)) && node.flow !== true
  // A block mapping starts at its first key, which is not what is wrong: point at the key it belongs to.
  const names = isScalar(node) ? (variables.get(node) ?? []) : []
  return { offset: written && !block ? startOf(node) : owner, names }
}

/** Of a key that is given twice the last counts, as in the data. */
function child(node: unknown, key: string | number, document: Document): Pair | Node | undefined {
  const target = isAlias(node) ? node.resolve(document) : node
  if (isMap(target)) return target.items.findLast((pair) => keyOf(pair) === key)
  const item = isSeq(target) && typeof key === 'number' ? target.items[key] : undefined
  return isNode(item) || isPair(item) ? item : undefined
}
