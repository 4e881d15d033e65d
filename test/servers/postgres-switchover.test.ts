// PostgreSQL while an operator moves it: sessions that stay, sessions that are cut, and clients that wait meanwhile.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requires } from '../support/servers/installed-program.ts'
import { postgresPrograms, psql } from '../support/servers/postgres.ts'
import { usePostgresPair } from '../support/servers/postgres-pair.ts'

const { missing, title } = requires('PostgreSQL, moved by an operator', postgresPrograms)

const WHO = 'show cluster_name'
const served = (by: string) => ({ code: 0, stdout: `${by}\n`, stderr: '' })
const CUT = /server closed the connection unexpectedly|connection to server was lost/

describe.skipIf(missing)(title, () => {
  const pair = usePostgresPair()

  /** Answered by the left server. */
  async function sessionOnLeft(port: number) {
    const session = pair.session(port)
    session.write(`begin;\n${WHO};\n`)
    await session.says(/left/)
    return session
  }

  it('stateless: a session stays where it is until its drain time is over, and new ones go over at once', async () => {
    const port = await pair.startProxy({ drain: { upgrade: '1s', spread: '0ms' } })
    const session = await sessionOnLeft(port)
    expect(await pair.proxy.command('switchover', 'orders', '--to', 'right')).toMatchObject({ code: 0 })
    session.write("select 'still ' || current_setting('cluster_name');\n")
    expect(await psql(port, WHO)).toEqual(served('right'))
    await session.says(/still left/)
    const ended = () => pair.proxy.sessions().filter(({ upstream }) => upstream === 'left')
    await expect.poll(() => ended().map(({ error }) => error), { timeout: 10_000 }).toEqual(['cut'])
    session.write(`${WHO};\n`, true)
    expect((await session.finished).stderr).toMatch(CUT)
    expect(await psql(port, WHO)).toEqual(served('right'))
  })

  it('singleWriter: sessions are cut before the fence, and whoever connects meanwhile waits for the promoted', async () => {
    const { workspace } = pair
    const gate = join(workspace.path, 'gate')
    const calls = join(workspace.path, 'calls')
    // Asks the server that is left itself who is still there, again and again: a session that was cut may take a moment to notice.
    const others = "select count(*) from pg_stat_activity where application_name = 'psql' and pid <> pg_backend_pid()"
    const ask = `${postgresPrograms.psql} -XAtq 'host=127.0.0.1 port=${pair.left.port} user=app dbname=postgres'`
    const fence = workspace.script(
      'fence',
      `#!/bin/sh
echo "$UNDERSTUDY_HOOK $UNDERSTUDY_FROM to $UNDERSTUDY_TO" >> ${calls}
while [ "$(${ask} -c "${others}")" != 0 ]; do sleep 0.05; done
echo "nobody is left" >> ${calls}
while [ ! -e ${gate} ]; do sleep 0.05; done
`,
    )
    const promote = workspace.script('promote', `#!/bin/sh\necho "$UNDERSTUDY_HOOK $UNDERSTUDY_TO" >> ${calls}\n`)
    const hooks = { fence: [fence], promote: [promote], timeout: '20s' }
    const port = await pair.startProxy({ kind: 'singleWriter', hold: { time: '20s' }, hooks })
    const session = await sessionOnLeft(port)
    const command = pair.proxy.command('switchover', 'orders', '--to', 'right')
    const said = () => (existsSync(calls) ? readFileSync(calls, 'utf8') : '')
    await expect.poll(said, { timeout: 10_000 }).toBe('fence left to right\nnobody is left\n')

    const waiting = psql(port, WHO)
    await pair.proxy.until('orders', 'a client that waits', ({ held }) => held === 1)
    session.write(`${WHO};\n`, true)
    expect((await session.finished).stderr).toMatch(CUT)
    expect(said()).not.toContain('promote')
    workspace.file('gate')
    expect(await waiting).toEqual(served('right'))
    expect(await command).toMatchObject({ code: 0 })
    expect(said()).toBe('fence left to right\nnobody is left\npromote right\n')
  })

  it('singleWriter: a fence that fails leaves everybody where they were', async () => {
    const fence = pair.workspace.script('no-fence', '#!/bin/sh\necho "cannot reach the power switch"\nexit 1\n')
    const port = await pair.startProxy({ kind: 'singleWriter', hooks: { fence: [fence] } })
    expect(await pair.proxy.command('switchover', 'orders', '--to', 'right')).toMatchObject({ code: 0 })
    await pair.proxy.until('orders', 'the end of the switch', ({ phase }) => phase === 'serving')
    expect(await psql(port, WHO)).toEqual(served('left'))
    expect((await pair.proxy.command('events')).output).toMatch(/switch-failed .*cannot reach the power switch/)
  })
})
