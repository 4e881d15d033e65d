// What the load programs print, and what the bench makes of it.
import { describe, expect, it } from 'vitest'
import { parseWrkReport } from '../../../bench/engine/http/wrk.ts'
import { parseH2loadReport } from '../../../bench/engine/http2/h2load.ts'
import { countHandshakes, parseTimeReport } from '../../../bench/engine/tls/openssl-time.ts'

const H2LOAD = `starting benchmark...
spawning thread #0: 16 total client(s). Timing-based test with 0s of warm-up time and 1.5s of main duration for measurements.
progress: 100% of clients started
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2
Stopped all clients for thread #0

finished in 1.50s, 108686.67 req/s, 7.36MB/s
requests: 163075 total, 163190 started, 163070 done, 163030 succeeded, 40 failed, 7 errored, 3 timeout
status codes: 163030 2xx, 1 3xx, 20 4xx, 300 5xx
traffic: 11.04MB (11575914) total, 7.46MB (7825440) headers (space savings 51.02%), 796.04KB (815150) data
                     min         max         mean         sd        +/- sd
time for request:       30us     10.65ms      1.41ms       480us    85.77%
req/s           :    6775.98     6808.30     6789.85       10.99    68.75%
`

describe("h2load's report", () => {
  it('gives good answers, the time they took, and everything else as errors', () => {
    expect(parseH2loadReport(H2LOAD, 'h2')).toEqual({
      amount: 163_030,
      seconds: 1.5,
      p50Ms: null,
      p99Ms: null,
      errors: 40 + 7 + 3 + 1 + 20 + 300,
    })
  })

  it('may have its time in milliseconds', () => {
    expect(parseH2loadReport(H2LOAD.replace('in 1.50s', 'in 980.12ms'), 'h2').seconds).toBeCloseTo(0.98012)
  })

  it('is refused when another protocol was spoken than the one to measure', () => {
    expect(() => parseH2loadReport(H2LOAD, 'http/1.1')).toThrow('spoke h2 instead of http/1.1')
  })

  it('is refused when nobody was reached, instead of counting as no requests', () => {
    const unreached = H2LOAD.replace('Application protocol: h2\n', '')
    expect(() => parseH2loadReport(unreached, 'h2')).toThrow('spoke nothing')
  })

  it('is refused when it was cut off before its sums', () => {
    const cut = H2LOAD.slice(0, H2LOAD.indexOf('requests:'))
    expect(() => parseH2loadReport(cut, 'h2')).toThrow('nothing usable')
  })
})

const WRK = `Running 2s test @ https://127.0.0.1:18443/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   801.22us  617.60us   9.24ms   91.68%
  5576 requests in 2.00s, 800.46KB read
Requests/sec:   2784.90
measured 5576 good answers in 2002000 us, p50 628 us, p99 1190000 us, p99.9 1250100 us, 54321 errors
`

describe("wrk's report", () => {
  it('gives what our script made it say: requests, time, percentiles in milliseconds, errors', () => {
    expect(parseWrkReport(WRK)).toEqual({
      amount: 5_576,
      seconds: 2.002,
      p50Ms: 0.628,
      p99Ms: 1_190,
      p999Ms: 1_250.1,
      errors: 54_321,
    })
  })

  it('is refused when wrk could not connect', () => {
    expect(() => parseWrkReport('unable to connect to 127.0.0.1:1 Connection refused\n')).toThrow('nothing usable')
  })
})

const timeReport = (marks: string, bytes = 147): string => `Collecting connection statistics for 1 seconds
${marks}

${marks.length} connections in 0.07s; 1407.48 connections/user sec, bytes read ${marks.length * bytes}
${marks.length} connections in 2 real seconds, ${bytes} bytes read per connection
`

describe("openssl s_time's report", () => {
  it('tells full handshakes from resumed ones', () => {
    expect(parseTimeReport(timeReport('***'))).toEqual({ fresh: 3, resumed: 0, bytesPerConnection: 147 })
    const resuming = `\n\nNow timing with session id reuse.\nstarting\n${timeReport('rr*r')}`
    expect(parseTimeReport(resuming)).toEqual({ fresh: 1, resumed: 3, bytesPerConnection: 147 })
  })

  it('is refused when a connection failed, after which s_time gives up', () => {
    expect(() => parseTimeReport('Collecting connection statistics for 1 seconds\n***ERROR\n')).toThrow(
      'nothing usable',
    )
  })

  it('is refused when handshakes were not of the kind to measure', () => {
    const reports = [timeReport('*'.repeat(50)), timeReport('r'.repeat(50))].map(parseTimeReport)
    expect(() => countHandshakes(reports, 'new')).toThrow('50 of 100 handshakes were not new')
    expect(() => countHandshakes(reports, 'resumed')).toThrow('50 of 100 handshakes were not resumed')
  })

  it('counts every handshake, the odd one of the other kind included', () => {
    const reports = [parseTimeReport(timeReport(`${'r'.repeat(199)}*`))]
    expect(countHandshakes(reports, 'resumed')).toBe(200)
  })

  it('is refused when connections ended without the answer', () => {
    expect(() => countHandshakes([parseTimeReport(timeReport('***', 0))], 'new')).toThrow('without the answer')
  })
})
