// The fastest origin at hand for throughput: nginx answering 47 bytes from its configuration, on two ports (primary, standby).
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, ready } from '../contenders/contender.ts'
import { startChild } from '../process/child.ts'
import { freePorts } from '../process/free-port.ts'
import type { OriginPorts } from './targets.ts'

export const ANSWER = 'Forty-seven bytes, to be proxied as they are...'

const configure = (ports: readonly number[], folder: string, speaks: string): string => `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} crit;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 100000000;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`).join('\n')}
${ports.map((port) => `  server { listen 127.0.0.1:${port} backlog=4096 ${speaks}; location / { return 200 "${ANSWER}"; } }`).join('\n')}
}
`

type StaticOrigin = OriginPorts & { stop(): Promise<void> }

export const startStaticOrigin = async (
  workDir: string,
  cpu: number | undefined,
  protocol: 'http/1.1' | 'h2' = 'http/1.1',
): Promise<StaticOrigin> => {
  const folder = join(workDir, 'static-origin')
  mkdirSync(folder, { recursive: true })
  const [primaryPort, standbyPort] = (await freePorts(2)) as [number, number]
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configure([primaryPort, standbyPort], folder, protocol === 'h2' ? 'http2' : ''))
  const child = await startChild({
    name: 'static origin',
    command: 'nginx',
    args: ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
    logFile: join(folder, 'nginx.log'),
    cpu,
  })
  await (protocol === 'h2' ? accepting(child, primaryPort) : ready(child, primaryPort))
  return { primaryPort, standbyPort, stop: child.end }
}
