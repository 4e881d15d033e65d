// Two gRPC servers in processes of their own, the proxy before them with TLS, and a client.
import { freePorts } from '../../../../bench/process/free-port.ts'
import { ChildOrigin } from './child-origin.ts'
import { Credentials } from './credentials.ts'
import { GrpcClient } from './grpc-client.ts'
import type { ProxyView } from './proxy-view.ts'
import { Stage } from './stage.ts'

export type GrpcPair = {
  readonly stage: Stage
  readonly blue: ChildOrigin
  readonly green: ChildOrigin
  readonly proxy: ProxyView
  readonly client: GrpcClient
}

type Upstream = { readonly name: string; readonly port: number }

export async function startOrigins(stage: Stage): Promise<[ChildOrigin, ChildOrigin]> {
  const start = async (name: string): Promise<ChildOrigin> =>
    stage.keep(await ChildOrigin.start({ program: 'grpc-origin.ts', name, workDir: stage.folder }))
  return Promise.all([start('blue'), start('green')])
}

export async function startFront(
  stage: Stage,
  upstreams: readonly Upstream[],
): Promise<{ proxy: ProxyView; client: GrpcClient }> {
  const [port = 0] = await freePorts(1)
  const credentials = new Credentials(stage)
  const tls = credentials.issue('web', { names: ['localhost'] })
  const proxy = await stage.proxy({
    listeners: { grpc: { listen: `127.0.0.1:${port}`, pool: 'shop', tls } },
    pools: {
      shop: {
        probe: { type: 'grpc' },
        upstreams: upstreams.map((upstream) => ({ name: upstream.name, url: `h2c://127.0.0.1:${upstream.port}` })),
      },
    },
  })
  return { proxy, client: stage.keep(new GrpcClient(port, credentials.ca)) }
}

export async function startGrpcPair(): Promise<GrpcPair> {
  const stage = new Stage()
  const [blue, green] = await startOrigins(stage)
  return { stage, blue, green, ...(await startFront(stage, [blue, green])) }
}
