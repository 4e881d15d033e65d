// What a trial is played on: a pair of origins, where the scenario needs it a network, and a proxy before them. All of it is
// started fresh, and ended in the opposite order.
import { request } from 'node:http'
import { crc32 } from 'node:zlib'
import type { Contender, RunningContender } from './contenders/contender.ts'
import type { Front } from './contenders/front.ts'
import { makeLossyNetwork } from './network/lossy-network.ts'
import { type OriginProcess, startOrigin } from './origin/origin-process.ts'
import { freePorts } from './process/free-port.ts'
import type { Scenario, Stage } from './scenarios/scenario.ts'

export type StageOptions = {
  readonly contender: Contender
  readonly scenario: Scenario
  readonly front: Front | undefined
  readonly workDir: string
}

const WARM_UP_REQUESTS = 100

export type Resources = { add<T extends { stop(): Promise<void> }>(resource: T): T; stopAll(): Promise<void> }

export const collectResources = (): Resources => {
  const started: { stop(): Promise<void> }[] = []
  return {
    add: (resource) => {
      started.push(resource)
      return resource
    },
    stopAll: async () => {
      // Last started, first ended: the proxy must not meet a dead pair in its log.
      for (const resource of started.reverse()) await resource.stop()
    },
  }
}

/** Requests straight to an origin, so that no contender is charged with the origin's own first, uncompiled requests. */
const warmUp = async ({ host, port }: OriginProcess): Promise<void> => {
  const headers = { 'X-Bench-Id': 'warm-up', 'X-Bench-Checksum': crc32('').toString(16).padStart(8, '0') }
  for (let i = 0; i < WARM_UP_REQUESTS; i += 1) {
    await new Promise<void>((resolve, reject) => {
      const req = request({ host, port, path: '/items/1', headers }, (response) => {
        response.resume().once('end', resolve)
      })
      req.once('error', reject).end()
    })
  }
}

export const startStage = async (
  resources: Resources,
  { contender, scenario, front, workDir }: StageOptions,
): Promise<Stage & { port: number }> => {
  const network = scenario.needsNetwork ? resources.add(makeLossyNetwork()) : null
  const primary = resources.add(await startOrigin({ name: 'primary', workDir, network: network ?? undefined }))
  const standby = resources.add(await startOrigin({ name: 'standby', workDir }))
  await Promise.all([warmUp(primary), warmUp(standby)])
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number]
  const { settings } = scenario
  const running: RunningContender = resources.add(
    await contender.start({ listenPort, adminPort, primary, standby, workDir, front, settings }),
  )
  return { primary, standby, network, contender: running, port: listenPort }
}
