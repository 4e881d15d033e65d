/**
 * `npm run simulate`: simulates everything, on several threads, and writes the tables of `docs/detection-quality.md`.
 * `--days`: another time than 30 days; `--resume`: only what has not been simulated for as long; `--page`: writes the
 * tables again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { full, type Job, plan, type Result, runJob } from './jobs.ts'
import { withTables } from './report.ts'

export const RESULTS = fileURLToPath(new URL('./results.json', import.meta.url))
export const PAGE = fileURLToPath(new URL('../../docs/detection-quality.md', import.meta.url))

const sameJob = (one: Job, other: Job): boolean =>
  one.kind === other.kind && one.index === other.index && one.rate === other.rate

export const readResults = (): readonly Result[] =>
  existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Result[]) : []

/** The longest first, so that none is left over at the end. */
async function simulate(jobs: readonly Job[], done: (result: Result) => void): Promise<void> {
  const queue = [...jobs].sort((one, other) => weight(other) - weight(one))
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url))
    for (let job = queue.shift(); job; job = queue.shift()) done(await ask(worker, job))
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), queue.length) }, work))
}

const ask = (worker: Worker, job: Job): Promise<Result> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (result: Result) => {
      worker.off('error', reject)
      resolve(result)
    })
    worker.postMessage(job)
  })

const weight = ({ kind, rate, amount }: Job): number => amount * (rate + 30) * (kind === 'fault' ? 60_000 : 1)

function write(results: readonly Result[]): void {
  writeFileSync(RESULTS, `${JSON.stringify(results)}\n`)
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), results))
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { days: { type: 'string', default: '30' }, page: { type: 'boolean' }, resume: { type: 'boolean' } },
  })
  if (values.page) return write(readResults())
  const jobs = plan(full(Number(values.days)))
  const known = values.resume ? readResults() : []
  const left = jobs.filter((job) => !known.some((each) => sameJob(each.job, job) && each.job.amount >= job.amount))
  let done = 0
  let results = known.filter(({ job }) => jobs.some((each) => sameJob(each, job)))
  await simulate(left, (result) => {
    results = [...results.filter(({ job }) => !sameJob(job, result.job)), result]
    results.sort((one, other) => place(jobs, one) - place(jobs, other))
    write(results)
    const { name, rate } = result.restraint ?? result.fault ?? { name: '', rate: 0 }
    process.stdout.write(`${++done}/${left.length} ${name}, ${rate}/s\n`)
  })
}

const place = (jobs: readonly Job[], { job }: Result): number => jobs.findIndex((each) => sameJob(each, job))

if (!isMainThread) {
  parentPort?.on('message', (job: Job) => {
    runJob(job).then((result) => parentPort?.postMessage(result))
  })
} else if (import.meta.main) await main()
