// Every kind of load by name, in the order in which `engine` measures them.
import type { EngineBench, EngineKind } from './engine-bench.ts'
import { connectionsBench } from './http/connections-bench.ts'
import { throughputBench } from './http/get-bench.ts'
import { growthBench } from './http/growth-bench.ts'
import { largeBench } from './http/large-bench.ts'
import { latencyBench } from './http/latency-bench.ts'
import { memoryBench } from './http/memory-bench.ts'
import { http2Bench } from './http2/http2-bench.ts'
import { tcpBench } from './tcp/tcp-bench.ts'
import { tlsBench } from './tls/tls-bench.ts'
import { workersBench } from './workers/workers-bench.ts'

export const engineBenches: Readonly<Record<EngineKind, EngineBench>> = {
  throughput: throughputBench,
  large: largeBench,
  connections: connectionsBench,
  growth: growthBench,
  latency: latencyBench,
  memory: memoryBench,
  tcp: tcpBench,
  tls: tlsBench,
  http2: http2Bench,
  workers: workersBench,
}
