// The ways in besides plain HTTP, which `throughput` measures.
import type { FrontBench, FrontKind } from './front-bench.ts'
import { http2Bench } from './http2/http2-bench.ts'
import { tcpBench } from './tcp/tcp-bench.ts'
import { tlsBench } from './tls/tls-bench.ts'

export const frontBenches: Readonly<Record<FrontKind, FrontBench>> = { tcp: tcpBench, tls: tlsBench, http2: http2Bench }
