/** Every metric there is: the one table that the registry, the documentation page and the tests read. */

export const PREFIX = 'understudy_'

export type MetricRow = Readonly<{
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: readonly string[]
  help: string
}>

export const METRICS = [
  {
    name: 'active',
    type: 'gauge',
    labels: ['pool', 'upstream'],
    help: '1 for the upstream that receives new work, 0 for the others.',
  },
  {
    name: 'epoch',
    type: 'gauge',
    labels: ['pool'],
    help: 'Counts the assignments of active. Grows at every change of active and never falls.',
  },
  {
    name: 'failovers_total',
    type: 'counter',
    labels: ['pool', 'reason'],
    help: 'Changes of active because the old one was unfit, by the rule that found it so.',
  },
  {
    name: 'observed_failovers_total',
    type: 'counter',
    labels: ['pool', 'reason'],
    help: 'Failovers that a pool with `failover.mode: observe` would have carried out in automatic mode.',
  },
  { name: 'switchovers_total', type: 'counter', labels: ['pool'], help: 'Planned changes of active.' },
  { name: 'failbacks_total', type: 'counter', labels: ['pool'], help: 'Returns to a preferred upstream.' },
  {
    name: 'last_failover_timestamp_seconds',
    type: 'gauge',
    labels: ['pool'],
    help: 'When the last failover was decided, in Unix time. 0: none since the start.',
  },
  {
    name: 'switch_duration_seconds',
    type: 'histogram',
    labels: ['pool'],
    help: 'From the decision to change the active to the first answer of the new one.',
  },
  {
    name: 'route_delay_seconds',
    type: 'histogram',
    labels: ['pool'],
    help: 'With several workers: how long a new route takes to reach each.',
  },
  {
    name: 'standby_ready',
    type: 'gauge',
    labels: ['pool'],
    help: '1 while an upstream other than the active could take over at once. Alert on 0.',
  },
  {
    name: 'requests_total',
    type: 'counter',
    labels: ['pool', 'upstream', 'code_class'],
    help: 'Answers received from an upstream, by class of status code (1xx to 5xx).',
  },
  {
    name: 'request_duration_seconds',
    type: 'histogram',
    labels: ['pool'],
    help: 'From the arrival of a request to the end of its answer, replays and holding included.',
  },
  {
    name: 'requests_rescued_total',
    type: 'counter',
    labels: ['pool', 'how'],
    help: 'Requests that would have failed or stalled and were answered all the same: by a replay, by waiting (hold), by the standby, asked as well (hedge), or with the rest of a cut answer from there (resume).',
  },
  {
    name: 'requests_lost_total',
    type: 'counter',
    labels: ['pool', 'why'],
    help: 'Requests that the client saw fail. The number to keep at zero.',
  },
  {
    name: 'replay_abandoned_total',
    type: 'counter',
    labels: ['pool', 'why'],
    help: 'Failed requests that were not sent again, and what forbade it.',
  },
  {
    name: 'held_requests',
    type: 'gauge',
    labels: ['pool'],
    help: 'Requests that wait for a decision under way, or for a connection to the upstream (`maxConnections`).',
  },
  {
    name: 'in_flight',
    type: 'gauge',
    labels: ['pool', 'upstream'],
    help: 'Requests, or TCP sessions, under way on an upstream.',
  },
  {
    name: 'tunnels',
    type: 'gauge',
    labels: ['pool', 'upstream'],
    help: 'Upgraded connections (WebSocket) and TCP sessions open on an upstream.',
  },
  {
    name: 'tcp_sessions_total',
    type: 'counter',
    labels: ['pool', 'upstream'],
    help: 'TCP sessions that an upstream took.',
  },
  {
    name: 'tcp_bytes_total',
    type: 'counter',
    labels: ['pool', 'upstream', 'direction'],
    help: 'Bytes of TCP sessions: `in` from clients to the upstream, `out` from the upstream to clients.',
  },
  {
    name: 'upstream_failures_total',
    type: 'counter',
    labels: ['pool', 'upstream', 'kind'],
    help: 'Attempts that failed for another reason than the client, by kind of failure.',
  },
  {
    name: 'upstream_connections',
    type: 'gauge',
    labels: ['pool', 'upstream'],
    help: 'Connections to an upstream for requests and TCP sessions, now: in use, idle, and being opened.',
  },
  {
    name: 'upstream_connects_total',
    type: 'counter',
    labels: ['pool', 'upstream'],
    help: 'Connections opened to an upstream for requests.',
  },
  {
    name: 'suspicions_total',
    type: 'counter',
    labels: ['pool'],
    help: 'Times the active was silent long enough to be probed as a suspect.',
  },
  { name: 'refuted_total', type: 'counter', labels: ['pool'], help: 'Suspicions that the suspect refuted.' },
  {
    name: 'probe_duration_seconds',
    type: 'histogram',
    labels: ['pool', 'upstream'],
    help: 'How long a probe took, whatever it found.',
  },
  {
    name: 'upstream_health',
    type: 'gauge',
    labels: ['pool', 'upstream'],
    help: "The probes' verdict: 1 healthy, 0 unhealthy, -1 not probed yet.",
  },
  {
    name: 'connections',
    type: 'gauge',
    labels: ['listener'],
    help: 'Client connections open on a listener.',
  },
  {
    name: 'connections_refused_total',
    type: 'counter',
    labels: ['listener', 'why'],
    help: 'Client connections turned away at the door: too many open (of all, of one address, on their way in), a PROXY header or TLS handshake that failed, or too late.',
  },
  { name: 'workers', type: 'gauge', labels: [], help: 'Threads that carry traffic.' },
  {
    name: 'worker_replacements_total',
    type: 'counter',
    labels: [],
    help: 'Threads that had died, or were stuck, and were replaced.',
  },
  {
    name: 'event_loop_lag_seconds',
    type: 'gauge',
    labels: ['stat'],
    help: 'Delay of the event loop since the last scrape: mean, p99 and max. With several workers, of the thread that decides.',
  },
  { name: 'build_info', type: 'gauge', labels: ['version'], help: 'Always 1; the label says what is running.' },
] as const satisfies readonly MetricRow[]

export type MetricName = (typeof METRICS)[number]['name']
