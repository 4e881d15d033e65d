// nginx (open source), tuned for an active/passive pair: passive detection only, since its active checks are paid.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { type Contender, type ContenderOptions, RESPONSE_TIMEOUT_MS, ready } from './contender.ts'
import { programVersion } from './program-version.ts'

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

const configure = ({ listenPort, primary, standby, workDir }: ContenderOptions): string => `
# Started as root the workers would otherwise become nobody, who may not read the work directory.
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${join(workDir, 'nginx.pid')};
error_log ${join(workDir, 'nginx-error.log')} crit;
events { worker_connections 16384; }
http {
  access_log off;
${TEMPORARY.map((kind) => `  ${kind}_temp_path ${join(workDir, 'temporary', kind)};`).join('\n')}
  upstream pair {
    server 127.0.0.1:${primary.port} max_fails=1;
    server 127.0.0.1:${standby.port} backup;
    keepalive 128;
  }
  server {
    listen 127.0.0.1:${listenPort} backlog=4096;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://pair;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_connect_timeout 250ms;
      proxy_read_timeout ${RESPONSE_TIMEOUT_MS}ms;
      proxy_next_upstream error timeout http_500 http_502 http_503 http_504;
    }
  }
}
`

export const nginx: Contender = {
  name: 'nginx',
  hasSwitchoverApi: false,
  available: () => programVersion('nginx', ['-v'], /nginx\/(\S+)/),
  start: async (options) => {
    mkdirSync(join(options.workDir, 'temporary'), { recursive: true })
    const file = join(options.workDir, 'nginx.conf')
    const configuration = configure(options)
    writeFileSync(file, configuration)
    const child = await startChild({
      name: 'nginx',
      command: 'nginx',
      args: ['-p', options.workDir, '-c', file, '-e', join(options.workDir, 'nginx-error.log')],
      logFile: join(options.workDir, 'nginx.log'),
      cpu: options.cpu,
    })
    await ready(child, options.listenPort)
    return { pid: child.pid, configuration, log: child.output, stop: child.end }
  },
}
