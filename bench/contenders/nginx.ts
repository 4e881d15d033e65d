// nginx (open source): tuned for an active/passive pair, and with its defaults. Passive detection only, since its active checks
// are paid.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { addressOf, type Contender, type ContenderOptions, frontReady, RESPONSE_TIMEOUT_MS } from './contender.ts'
import { HTTP } from './front.ts'
import { programVersion } from './program-version.ts'

const PROGRAM = 'nginx'
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** `load_module` line for TCP: empty where nginx was built with it, null where it is not installed. */
const streamModule = (): string | null => {
  const built = String(spawnSync(PROGRAM, ['-V'], { encoding: 'utf8' }).stderr)
  if (/--with-stream(?=\s|$)/m.test(built)) return ''
  const folder = /--modules-path=(\S+)/.exec(built)?.[1]
  const file = folder && join(folder, 'ngx_stream_module.so')
  return file && existsSync(file) ? `load_module ${file};` : null
}

const servers = ({ primary, standby }: ContenderOptions): string => `
    server ${addressOf(primary)}; # max_fails=1 fail_timeout=10s are its defaults
    server ${addressOf(standby)} backup;`

const listen = ({ listenPort, front = HTTP }: ContenderOptions): string => {
  if (front.protocol !== 'tls') return `listen 127.0.0.1:${listenPort} backlog=4096;`
  const { certFile, keyFile } = front.certificate
  // TLS 1.3 is off by default before 1.23.4.
  return `listen 127.0.0.1:${listenPort} ssl http2 backlog=4096;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.2 TLSv1.3;`
}

type Tuning = { readonly upstream: string; readonly server: string; readonly location: string }

const TUNED: Tuning = {
  upstream: `
    keepalive 128;`,
  server: `
    keepalive_requests 1000000;`,
  location: `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_connect_timeout 250ms;
      proxy_read_timeout ${RESPONSE_TIMEOUT_MS}ms;
      proxy_next_upstream error timeout http_500 http_502 http_503 http_504;`,
}

const DEFAULTS: Tuning = { upstream: '', server: '', location: '' }

const httpBlock = (options: ContenderOptions, tuning: Tuning): string => `
http {
  access_log off;
${TEMPORARY.map((kind) => `  ${kind}_temp_path ${join(options.workDir, 'temporary', kind)};`).join('\n')}
  upstream pair {${servers(options)}${tuning.upstream}
  }
  server {
    ${listen(options)}${tuning.server}
    location / {
      proxy_pass http://pair;${tuning.location}
    }
  }
}`

const streamBlock = (options: ContenderOptions): string => `
stream {
  upstream pair {${servers(options)}
  }
  server {
    ${listen(options)}
    proxy_pass pair;
    proxy_connect_timeout 250ms;
    proxy_timeout 60s;
    proxy_buffer_size 64k;
  }
}`

const configure = (options: ContenderOptions, tuning: Tuning): string => {
  const { workDir, front = HTTP } = options
  const tcp = front.protocol === 'tcp'
  return `
# Started as root the workers would otherwise become nobody, who may not read the work directory.
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;${tcp ? `\n${streamModule() ?? ''}` : ''}
worker_processes 1;
pid ${join(workDir, 'nginx.pid')};
error_log ${join(workDir, 'nginx-error.log')} crit;
events { worker_connections 16384; }${tcp ? streamBlock(options) : httpBlock(options, tuning)}
`
}

const start =
  (tuning: Tuning): Contender['start'] =>
  async (options) => {
    mkdirSync(join(options.workDir, 'temporary'), { recursive: true })
    const file = join(options.workDir, 'nginx.conf')
    const configuration = configure(options, tuning)
    writeFileSync(file, configuration)
    const child = await startChild({
      name: 'nginx',
      command: PROGRAM,
      args: ['-p', options.workDir, '-c', file, '-e', join(options.workDir, 'nginx-error.log')],
      logFile: join(options.workDir, 'nginx.log'),
      cpu: options.cpu,
    })
    await frontReady(child, options)
    return { pid: child.pid, configuration, log: child.output, stop: child.end }
  }

export const nginx: Contender = {
  name: 'nginx',
  hasSwitchoverApi: false,
  fronts: ['http', 'tls', 'tcp'],
  available: () => programVersion(PROGRAM, ['-v'], /nginx\/(\S+)/),
  missingFor: (front) =>
    front === 'tcp' && streamModule() === null ? 'its stream module is not installed (libnginx-mod-stream)' : null,
  start: start(TUNED),
}

export const nginxDefaults: Contender = {
  ...nginx,
  name: 'nginx-defaults',
  variantOf: nginx.name,
  fronts: ['http'],
  start: start(DEFAULTS),
}
