/** HAProxy and nginx, that stand before Understudy or behind it. */
import { globSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { until } from '../../../bench/clock.ts'
import { findProgram } from './installed-program.ts'
import { InstalledServer, vacantPort } from './installed-server.ts'
import type { Workspace } from './workspace.ts'

const streamModule = globSync('/usr/{lib,lib64,share}/nginx/modules/ngx_stream_module.so')[0] ?? null

export const neighbours = { haproxy: findProgram('haproxy'), nginx: findProgram('nginx'), 'nginx-stream': streamModule }

/** `sections`: beside those that all have. `port`: of its statistics. */
export async function startHaproxy(
  sections: string,
  workspace: Workspace,
): Promise<Readonly<{ server: InstalledServer; port: number }>> {
  const port = await vacantPort()
  const file = workspace.file(
    `haproxy-${port}.cfg`,
    `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend status
  bind 127.0.0.1:${port}
  stats enable
  stats uri /
${sections}
`,
  )
  const server = new InstalledServer(neighbours.haproxy ?? '', ['-db', '-f', file], workspace)
  await until('HAProxy to serve', () => accepts(server, port), 10_000)
  return { server, port }
}

/** What its latest check of that server has shown: `L7OK`, … */
export async function checkOf(statistics: number, server: string): Promise<string> {
  const { text } = await get(statistics, '127.0.0.1', '/;csv')
  const [head = [], ...rows] = text.split('\n').map((row) => row.split(','))
  const row = rows.find((cells) => cells[1] === server) ?? []
  return row[head.indexOf('check_status')] ?? ''
}

async function accepts(server: InstalledServer, port: number): Promise<boolean> {
  if (server.ended) throw new Error(`it has ended: ${server.output}`)
  return await get(port).then(
    () => true,
    () => false,
  )
}

export async function startNginx(
  blocks: Readonly<{ http?: string; stream?: string }>,
  workspace: Workspace,
): Promise<InstalledServer> {
  const folder = workspace.folder(`nginx-${process.hrtime.bigint()}`)
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`)
  const file = workspace.file(
    'nginx.conf',
    `
daemon off;
load_module ${streamModule};
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  ${blocks.http ?? ''}
}
stream { ${blocks.stream ?? ''} }
`,
  )
  const server = new InstalledServer(neighbours.nginx ?? '', ['-p', folder, '-c', file, '-e', 'stderr'], workspace)
  await server.says(/start worker process \d+/)
  return server
}

export type Got = Readonly<{ status: number; text: string }>

/** One connection a request. `from`: the address of this machine that it comes from. */
export function get(port: number, from = '127.0.0.1', path = '/'): Promise<Got> {
  const asked = { host: '127.0.0.1', port, path, localAddress: from, agent: false, timeout: 5_000 }
  return new Promise((resolve, reject) => {
    const sent = request(asked, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.once('error', reject)
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer')))
    sent.once('error', reject)
    sent.end()
  })
}
