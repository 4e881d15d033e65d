// docs/recipes/postgresql.md as it stands, with a primary and a streaming replica: its commands, its hooks, its other way.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { freePorts } from '../../bench/process/free-port.ts'
import { placed, Recipe } from '../e2e/clients/support/recipe.ts'
import { Stage } from '../e2e/clients/support/stage.ts'
import { requires } from '../support/servers/installed-program.ts'
import { makeCluster, PostgresServer, postgresPrograms, psql } from '../support/servers/postgres.ts'
import { expectAsWritten, pageBlocks } from '../support/servers/recipe-page.ts'
import { servedAgain, tell } from '../support/servers/served-again.ts'
import type { TestedConfig } from '../support/servers/tested-proxy.ts'
import { TestedProxy } from '../support/servers/tested-proxy.ts'
import { Workspace } from '../support/servers/workspace.ts'

const { missing, title } = requires('docs/recipes/postgresql.md', postgresPrograms)

const blocks = pageBlocks('postgresql.md')
const [withHooks = '', following = ''] = blocks('yaml')
const [fence = '', promote = '', isPrimary = ''] = blocks('sh')
const [role = ''] = blocks('sql')

const POLITELY = 'ssh -o BatchMode=yes -o ConnectTimeout=3 root@left systemctl disable --now postgresql'
const BY_POWER = 'ipmitool -I lanplus -H left-bmc -U fence -f /etc/understudy/bmc chassis power off'
const WHO = 'show cluster_name'
const served = (by: string) => ({ code: 0, stdout: `${by}\n`, stderr: '' })

it('the configuration of the recipe for PostgreSQL is config/examples/postgres.yaml', () => {
  expect(readFileSync('config/examples/postgres.yaml', 'utf8').endsWith(withHooks)).toBe(true)
  expect(withHooks).toMatch(/^listeners:/)
})

describe.skipIf(missing)(title, () => {
  let workspace: Workspace
  let stage: Stage
  let left: PostgresServer
  let right: PostgresServer
  let proxy: TestedProxy | null
  let addresses: Record<string, string>

  beforeEach(async () => {
    workspace = new Workspace()
    stage = new Stage()
    proxy = null
    await makeCluster(workspace)
    left = await PostgresServer.start('left', workspace)
    for (const statement of ['create database orders', ...role.split(';\n').filter((line) => line !== '')]) {
      expect(await psql(left.port, statement)).toMatchObject({ code: 0 })
    }
    right = await left.replica('right', workspace)
    const [port] = await freePorts(1)
    addresses = {
      '10.0.0.1:5432': `127.0.0.1:${left.port}`,
      '10.0.0.2:5432': `127.0.0.1:${right.port}`,
      '0.0.0.0:5432': `127.0.0.1:${port}`,
      '-p 5432': `-p ${port}`,
      '/usr/local/bin': workspace.path,
      '/var/lib/understudy': workspace.path,
      'postgresql://understudy@': 'postgresql://app@',
    }
    workspace.script('fence-postgres', placed(fence, addresses))
    workspace.script('promote-postgres', placed(promote, addresses))
    workspace.script('is-primary', placed(isPrimary, addresses))
    standIns()
  })

  afterEach(async () => {
    await proxy?.stop()
    await stage.stop()
    vi.unstubAllEnvs()
    await Promise.all([left?.stop(), right?.stop()])
    workspace.remove()
  })

  /** `ssh` reaches the server of the name only while it is alive. What they were called with is in `calls`. */
  function standIns(): void {
    const calls = join(workspace.path, 'calls')
    const stopped = `pid=$(head -n 1 "${workspace.path}/\${5#root@}/postmaster.pid") && kill -INT "$pid" || exit 255
while kill -0 "$pid"; do sleep 0.05; done`
    for (const [name, act] of Object.entries({ ssh: stopped, ipmitool: '' })) {
      workspace.script(name, `#!/bin/sh\necho "${name} $*" >> ${calls}\nexec 2>/dev/null\n${act}\nexit 0\n`)
    }
    vi.stubEnv('PATH', `${workspace.path}:${process.env.PATH}`)
  }

  const calls = (): string => {
    const file = join(workspace.path, 'calls')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  async function start(configuration: string): Promise<number> {
    proxy = await TestedProxy.start(parse(placed(configuration, addresses)) as TestedConfig, workspace)
    return proxy.port('db')
  }

  it('its commands do what it says, and nothing that was written is lost', async () => {
    const [adminPort = 0] = await freePorts(1)
    const done = await new Recipe('postgresql.md', stage, { adminPort, addresses }).carryOut()
    expectAsWritten(done)
    expect(done.length).toBeGreaterThan(4)
    expect(calls()).toBe(`${POLITELY}\n`)
    const notes = await psql(right.port, 'select note from notes', 'dbname=orders')
    expect(notes).toEqual(served('written during the switch'))
  })

  it('its hooks fence a primary that has died by its power, and promote the replica', async () => {
    const port = await start(withHooks)
    expect(await psql(port, WHO)).toEqual(served('left'))
    await left.kill()
    const outage = await servedAgain(() => psql(port, 'create table written_after_failover ()'))
    console.log(`PostgreSQL, primary killed, replica promoted by hooks: writes again after ${tell(outage)}`)
    expect(outage.attempts).toBe(1)
    expect(calls()).toBe(`${POLITELY}\n${BY_POWER}\n`)
    expect(await psql(right.port, 'select pg_is_in_recovery()')).toEqual(served('f'))
  })

  it('its hooks promote no former primary that has come back with old data', async () => {
    const port = await start(withHooks)
    const { port: address } = left
    await left.kill()
    expect(await psql(port, WHO)).toEqual(served('right'))
    left = await PostgresServer.start('left', workspace, address)
    await proxy?.until('orders', 'left to be fit', ({ upstreams }) => upstreams[0]?.state === 'primary ready')
    await right.kill()
    await proxy?.until('orders', 'nobody to be active', ({ active }) => active === null)
    const events = async () => (await proxy?.command('events'))?.output
    await expect.poll(events, { timeout: 10_000 }).toMatch(/switch-failed .*it is no replica/)
    expect((await proxy?.pool('orders'))?.active).toBe(null)
  })

  it('without hooks, clients follow whoever else promotes', async () => {
    const port = await start(following)
    expect(await psql(port, WHO)).toEqual(served('left'))
    await left.kill()
    const waiting = psql(port, 'create table written_after_failover ()')
    await proxy?.until('orders', 'a client that waits', ({ held }) => held === 1)
    expect(await psql(right.port, 'select pg_promote()')).toEqual(served('t'))
    expect(await waiting).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await psql(port, WHO)).toEqual(served('right'))
  })
})
