// One proxy before one recording upstream.

import { startProxy } from '../../support/proxy.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import type { StartedRig } from './pass-through.ts'

/** Failover is manual: an upstream that answers nonsense on purpose must not be taken out in the middle of the vectors. */
export const CALM = { failover: { mode: 'manual' } }

export async function startRig(deadline = 3_000): Promise<StartedRig> {
  const upstream = await RecordingUpstream.start()
  const proxy = await startProxy({
    upstreams: [{ name: 'blue', port: upstream.port }],
    poolOverrides: CALM,
  })
  return {
    port: proxy.port,
    upstream,
    deadline,
    stop: async () => {
      await proxy.stop()
      await upstream.stop()
    },
  }
}
