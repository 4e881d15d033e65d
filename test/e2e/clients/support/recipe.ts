// A page of docs/recipes, carried out: its first configuration is written and run, its commands are given to a shell one after
// the other. Only addresses are replaced. What a command is expected to say is in comments below it:
//   # prints TEXT           its output contains TEXT
//   # fails [with TEXT]     it ends with another code than 0, and its output contains TEXT
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { until } from '../../../../bench/clock.ts'
import { httpRequest, ready } from '../../../../bench/contenders/contender.ts'
import { nodeBinary } from '../../../../bench/process/node-binary.ts'
import type { PoolView } from '../../../../src/admin/views.ts'
import { COMMAND, UnderstudyProcess } from '../../support/understudy-process.ts'
import type { Stage } from './stage.ts'
import { runTool } from './tool.ts'

const PAGES = fileURLToPath(new URL('../../../../docs/recipes/', import.meta.url))
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm
const START = 'npx understudy run --config understudy.yaml'

export type Step = {
  readonly command: string
  readonly prints: readonly string[]
  /** What it says when it fails, as it should; null when it should not. */
  readonly fails: string | null
}

export type Done = Step & { readonly code: number; readonly output: string }

export type Places = {
  readonly adminPort: number
  /** What to write in place of other addresses. */
  readonly addresses: Readonly<Record<string, string>>
  /** Some recipes have a standby that is not fit yet. */
  readonly fit?: 'all' | 'active'
}

export class Recipe {
  readonly configuration: string
  readonly steps: readonly Step[]
  readonly #stage: Stage
  readonly #places: Places

  constructor(page: string, stage: Stage, places: Places) {
    this.#stage = stage
    this.#places = places
    const text = readFileSync(PAGES + page, 'utf8')
    const blocks = [...text.matchAll(FENCE)].map(([, language = '', body = '']) => ({ language, body }))
    this.configuration = blocks.find(({ language }) => language === 'yaml')?.body ?? ''
    this.steps = blocks.filter(({ language }) => language === '').flatMap(({ body }) => stepsIn(body))
  }

  /** Every step in its order. The proxy, once it was started, runs until the stage ends. */
  async carryOut(): Promise<Done[]> {
    const { adminPort, addresses } = this.#places
    this.#writeNpx()
    const admin = `admin: { listen: "127.0.0.1:${adminPort}" }\n`
    this.#stage.write('understudy.yaml', admin + placed(this.configuration, addresses))
    const done: Done[] = []
    for (const step of this.steps) {
      if (step.command === START) await this.#start()
      else done.push(await this.#run(step))
    }
    return done
  }

  async #start(): Promise<void> {
    const { folder } = this.#stage
    const args = START.split(' ').slice(2)
    const running = await UnderstudyProcess.start(args, folder)
    this.#stage.keep({ stop: () => running.end() })
    await ready(running.child, this.#places.adminPort, '/readyz')
    if (this.#places.fit === 'active') return
    // Commands may be refused before both have proved themselves; whoever types is slower than that.
    await until('all upstreams to be healthy', () => this.#allHealthy(), 10_000)
  }

  async #allHealthy(): Promise<boolean> {
    const { text } = await httpRequest(this.#places.adminPort, 'GET', '/upstreams')
    const { pools } = JSON.parse(text) as { pools: readonly PoolView[] }
    return pools.every(({ upstreams }) => upstreams.every(({ health }) => health.status === 'healthy'))
  }

  async #run(step: Step): Promise<Done> {
    const { folder } = this.#stage
    const env = { PATH: `${this.#stage.path('bin')}:${process.env.PATH}`, NO_COLOR: '1' }
    const { code, stdout, stderr } = await runTool('bash', ['-c', placed(step.command, this.#places.addresses)], {
      cwd: folder,
      env,
    })
    return { ...step, code, output: stdout + stderr }
  }

  /** What `npx understudy` finds is this checkout, at the admin port of this test. */
  #writeNpx(): void {
    const { adminPort } = this.#places
    mkdirSync(this.#stage.path('bin'))
    const script = `#!/bin/sh
shift
case "$1" in
check) exec "${nodeBinary()}" "${COMMAND}" "$@" ;;
*) exec "${nodeBinary()}" "${COMMAND}" "$@" --admin 127.0.0.1:${adminPort} ;;
esac
`
    chmodSync(this.#stage.write('bin/npx', script), 0o755)
  }
}

/** Longest first: no address may be taken for the beginning of another. */
export function placed(text: string, addresses: Places['addresses']): string {
  const known = Object.keys(addresses).sort((a, b) => b.length - a.length)
  if (known.length === 0) return text
  return text.replace(new RegExp(known.join('|').replaceAll('.', '\\.'), 'g'), (found) => addresses[found] ?? found)
}

function stepsIn(block: string): Step[] {
  const steps: Step[] = []
  for (const line of block.trim().split('\n')) {
    const last = steps.at(-1)
    const [, prints] = /^# prints (.+)$/.exec(line) ?? []
    const [fails, why = ''] = /^# fails(?: with (.+))?$/.exec(line) ?? []
    if (last && prints !== undefined) steps[steps.length - 1] = { ...last, prints: [...last.prints, prints] }
    else if (last && fails !== undefined) steps[steps.length - 1] = { ...last, fails: why }
    else steps.push({ command: line, prints: [], fails: null })
  }
  return steps
}
