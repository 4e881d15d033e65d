/** From a pool's settings to the probe they ask for: the one list of all kinds. */
import type { ProbeConfig } from '../config/schema.ts'
import { execProbe } from '../probe/exec-probe.ts'
import { grpcProbe } from '../probe/grpc-probe.ts'
import { httpProbe } from '../probe/http-probe.ts'
import { mysqlProbe } from '../probe/mysql-probe.ts'
import { postgresProbe } from '../probe/postgres-probe.ts'
import type { Probe } from '../probe/probe.ts'
import { redisProbe } from '../probe/redis-probe.ts'
import { sendReceiveProbe } from '../probe/send-receive-probe.ts'
import { smtpProbe } from '../probe/smtp-probe.ts'
import { tcpProbe } from '../probe/tcp-probe.ts'
import { tlsProbe } from '../probe/tls-probe.ts'

/** `path`: where programs are looked for. */
export function probeOf(probe: ProbeConfig, { version, path }: Readonly<{ version: string; path: string }>): Probe {
  switch (probe.type) {
    case 'http':
      return httpProbe({ path: probe.path, expect: probe.expect, body: probe.body ?? null, version })
    case 'tcp':
    case 'tls': {
      const { type: over, send, receive } = probe
      if (send === undefined && receive === undefined) return over === 'tcp' ? tcpProbe() : tlsProbe()
      return sendReceiveProbe({ over, send: send ?? null, receive: receive ?? null })
    }
    case 'grpc':
      return grpcProbe({ service: probe.service, version })
    case 'postgres':
      return postgresProbe(probe)
    case 'redis':
      return redisProbe(probe)
    case 'mysql':
      return mysqlProbe(probe)
    case 'smtp':
      return smtpProbe(probe)
    case 'exec':
      return execProbe({ command: probe.command, path })
  }
}
