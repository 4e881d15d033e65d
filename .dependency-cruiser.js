/** Who may import whom (docs/architecture.md). A rule that would see no modules passes, hence the count in `check`. */

const folder = (name) => `^src/${name}/`
const only = (from, allowed, comment) => ({
  name: `${from}-imports`,
  comment,
  severity: 'error',
  from: { path: folder(from) },
  to: { path: '^src/', pathNot: [folder(from), ...allowed] },
})

const packages = (from, allowed) => ({
  name: `${from}-packages`,
  comment: `Packages that ${from}/ does without.`,
  severity: 'error',
  from: { path: folder(from) },
  to: {
    dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'],
    pathNot: allowed.map((name) => `node_modules/${name}/`),
  },
})

/** Types and pure functions of the core are everybody's language. */
const CORE = folder('core')
const RUNTIME = folder('runtime')
const WIRE = folder('wire')

export default {
  forbidden: [
    only('core', [], 'The core is pure: it imports nothing but itself.'),
    { name: 'core-pure', severity: 'error', from: { path: CORE }, to: { dependencyTypes: ['core', 'npm', 'npm-dev'] } },
    only('runtime', [CORE], 'Owns the pools; knows no protocol.'),
    only('wire', [CORE], 'Protocols on sockets; knows neither pools nor what is forwarded.'),
    only('http', [CORE, RUNTIME, WIRE], 'Forwards; knows neither probes nor administration.'),
    only('tcp', [CORE, RUNTIME, WIRE], 'Joins connections; knows nothing of HTTP, probes or administration.'),
    only(
      'probe',
      [CORE, '^src/runtime/(clock|program)', WIRE],
      'Checks upstreams; what that means is decided elsewhere.',
    ),
    only('admin', [CORE, RUNTIME], 'Shows pools and passes commands on; never touches traffic.'),
    only('metrics', [CORE, '^src/runtime/(notices|counters|clock)'], 'Reads counters.'),
    only('workers', [CORE, RUNTIME], 'Traffic in other threads: follows decisions, reports what it sees.'),
    only('config', [CORE], 'Validates; opens no sockets.'),
    packages('runtime', []),
    packages('wire', []),
    packages('http', ['fastify']),
    packages('tcp', []),
    packages('probe', []),
    packages('admin', ['fastify', '@fastify']),
    packages('metrics', ['prom-client']),
    packages('workers', []),
    packages('config', ['zod', 'yaml']),
    {
      name: 'composition-root',
      comment: 'understudy.ts and plugin.ts know everyone, so nobody but the command line may know them.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', '^src/(understudy|plugin|index)\\.ts$', '^src/assembly/'] },
      to: { path: '^src/(understudy\\.ts|plugin\\.ts|cli/|assembly/)' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['^src/cli/understudy\\.js$'] }, to: {} },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
}
