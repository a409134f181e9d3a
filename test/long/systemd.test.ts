import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { largeRandomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'
import { hasOpenssl, testCertificate } from '../support/operators/certificate.js'
import { freePort } from '../support/program.js'
import { RawClient } from '../support/raw-client.js'
import { OwnSystemd } from '../support/systemd/own-systemd.js'

// deploy/systemd/sluice.service, as it is, started by a real systemd. A drop-in sets the port, as
// the network is this machine's, where the log goes, and shorter times.

const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true })
/** Some seconds for a reply as long as its context. */
const slow = largeRandomModel({ context: 8192 })
const started = await OwnSystemd.start(endless).catch((error: unknown) => String(error))
const why = typeof started === 'string' ? ` (${started})` : ''
const systemd = started as OwnSystemd // where there is none, nothing below runs
const port = await freePort()
const key = 'your-api-key'

/** Files of /etc/sluice. */
function write(name: string, content: string | Buffer): void {
  const file = path.join(systemd.folder, 'etc', name)
  fs.writeFileSync(file, content)
  fs.chmodSync(file, 0o644)
}

function log(): string {
  const file = path.join(systemd.folder, 'shared', 'log')
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}

async function amend(...lines: string[]): Promise<void> {
  write('keys', `${key}\n`)
  const always = [`Environment=SLUICE_PORT=${port}`, 'StandardError=append:/srv/shared/log']
  await systemd.amend([...always, 'RestartSec=100ms', ...lines])
}

async function start(...lines: string[]): Promise<void> {
  await amend(...lines)
  await systemd.systemctl('start', 'sluice')
}

/** The status, and the text of a reply. */
async function asked(withKey = key) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${withKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model', prompt: 'x', max_tokens: 8 }),
  })
  const body = (await response.json()) as { choices?: { text: string }[] }
  return { status: response.status, text: body.choices?.[0]?.text }
}

const answers = { status: 200, text: expect.stringMatching(/on and on it goes/) }

/** Until another process has become the main one, and it is said to be ready. */
async function startedAgain(before: string): Promise<void> {
  await eventually(async () => {
    const { MainPID: pid, SubState: state } = await systemd.show()
    return state === 'running' && pid !== before
  }, 'it was not started again')
}

/** A reply that is under way. */
async function begun(model: string): Promise<{ text(): string }> {
  const client = await RawClient.connect(port)
  let text = ''
  client.socket.on('data', (part: Buffer) => {
    text += part
  })
  const body = JSON.stringify({
    model,
    prompt: 'x',
    max_tokens: 8000,
    stream: true,
    ignore_eos: true,
  })
  const head = [
    'POST /v1/completions HTTP/1.1',
    'host: localhost',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  client.socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  await eventually(() => text.includes('"text"'), 'the reply did not begin')
  return { text: () => text }
}

afterEach(async () => {
  if (typeof started === 'string') return
  await systemd.systemctl('stop', 'sluice')
  await systemd.systemctl('reset-failed', 'sluice').catch(() => undefined) // it has not failed
  fs.rmSync(path.join(systemd.folder, 'shared', 'log'), { force: true })
})
afterAll(async () => {
  if (typeof started !== 'string') await systemd.end()
})

/** Lines for either. */
const isolations = [[''], ['Environment=SLUICE_ISOLATION=process']]

describe.skipIf(why !== '')(`the unit under a real systemd${why}`, () => {
  test.each(isolations)('is started once the model answers %s', async (lines) => {
    await start(lines)
    expect(await asked()).toEqual(answers)
    const { StatusText, ...shown } = await systemd.show()
    expect(shown).toMatchObject({ ActiveState: 'active', SubState: 'running' })
    expect(StatusText).toBe(`Serving model at http://127.0.0.1:${port}`)
  })

  test('is starting as long as the model loads', async () => {
    // Workers that are not there are waited for.
    const lines = ['Environment=SLUICE_RPC=127.0.0.1:1', 'Environment=SLUICE_RPC_WAIT_MS=60000']
    await amend(...lines)
    await systemd.systemctl('start', '--no-block', 'sluice')
    await eventually(() =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        () => true,
        () => false,
      ),
    )
    expect((await systemd.show()).ActiveState).toBe('activating')
  })

  test('reads keys again at a reload, and keeps them where they are broken', async () => {
    await start()
    const { MainPID: pid } = await systemd.show()
    write('keys', 'another-key\n')
    await systemd.systemctl('reload', 'sluice')
    await eventually(() => log().includes('"reloaded"'))
    expect([await asked('another-key'), (await asked()).status]).toEqual([answers, 401])
    write('keys', '# none\n')
    await systemd.systemctl('reload', 'sluice')
    await eventually(() => log().includes('"reload_failed"'))
    expect(await asked('another-key')).toEqual(answers)
    const running = { ActiveState: 'active', SubState: 'running', ReloadResult: 'success' }
    expect(await systemd.show()).toMatchObject({ MainPID: pid, ...running })
  })

  test('outlives a reload where there is nothing to read again', async () => {
    await start('UnsetEnvironment=SLUICE_API_KEY_FILE')
    const { MainPID: pid } = await systemd.show()
    await systemd.systemctl('reload', 'sluice')
    await eventually(async () => (await systemd.show()).SubState === 'running')
    expect(await asked()).toEqual(answers)
    expect((await systemd.show()).MainPID).toBe(pid)
  })

  test.skipIf(!hasOpenssl)('reads a certificate again at a reload (needs openssl)', async () => {
    const put = (name: string) => {
      const made = testCertificate(name)
      write('cert.pem', made.cert)
      write('key.pem', made.key)
    }
    put('one')
    await start(
      'Environment=SLUICE_TLS_CERT=/etc/sluice/cert.pem',
      'Environment=SLUICE_TLS_KEY=/etc/sluice/key.pem',
    )
    expect(await nameOfCertificate()).toBe('one')
    put('two')
    await systemd.systemctl('reload', 'sluice')
    await eventually(async () => (await nameOfCertificate()) === 'two')
    expect((await systemd.show()).SubState).toBe('running')
  })

  test.each(isolations)('is ended by the watchdog where it stands still %s', async (lines) => {
    await start('WatchdogSec=2', lines)
    await sleep(3000) // it is heard
    const { MainPID: pid, NRestarts: restarts } = await systemd.show()
    expect(restarts).toBe('0')
    const before = await systemd.processes()
    await systemd.systemctl('kill', '--kill-who=main', '-s', 'STOP', 'sluice')
    await startedAgain(pid)
    expect(await asked()).toEqual(answers)
    const left = await systemd.processes()
    expect(left.filter((one) => before.includes(one))).toEqual([])
  })

  test.each(['KILL', 'ABRT', 'SEGV'])('is started again after SIG%s', async (signal) => {
    for (const [lines = ''] of isolations) {
      await start(lines)
      const { MainPID: pid } = await systemd.show()
      const before = await systemd.processes()
      await systemd.systemctl('kill', '--kill-who=main', '-s', signal, 'sluice')
      await startedAgain(pid)
      expect(await asked()).toEqual(answers)
      const left = await systemd.processes()
      expect(left.filter((one) => before.includes(one))).toEqual([])
      await systemd.systemctl('stop', 'sluice')
    }
  })

  test.each(isolations)('drains to its deadline when it is stopped %s', async (lines) => {
    write('slow.gguf', fs.readFileSync(slow))
    await start(
      'Environment=SLUICE_MODEL=/etc/sluice/slow.gguf',
      'Environment=SLUICE_DRAIN_MS=1500',
      lines,
    )
    const { text } = await begun('slow')
    const begin = performance.now()
    const stopped = systemd.systemctl('stop', 'sluice')
    const draining = { ActiveState: 'deactivating', StatusText: 'Draining' }
    await eventually(async () => (await systemd.show()).StatusText === 'Draining')
    expect(await systemd.show()).toMatchObject(draining)
    const length = text().length
    await eventually(() => text().length > length, 'the reply does not go on')
    await stopped
    expect(performance.now() - begin).toBeGreaterThan(1400)
    expect(text()).toContain('shutting_down') // its last frame is an error
    const ended = { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' }
    expect(await systemd.show()).toMatchObject(ended)
  })

  test('is not started again for a wrong setting, and ever again for what may come', async () => {
    await expect(start('Environment=SLUICE_PARALLEL=none')).rejects.toThrow('failed')
    await sleep(1000)
    const wrong = { ActiveState: 'failed', ExecMainStatus: '2', NRestarts: '0' }
    expect(await systemd.show()).toMatchObject(wrong)
    expect(log()).toContain('SLUICE_PARALLEL')

    await expect(start('Environment=SLUICE_MODEL=/srv/models/none')).rejects.toThrow('failed')
    await eventually(async () => Number((await systemd.show()).NRestarts) > 6)
    expect(log()).toContain('/srv/models/none')
    expect((await systemd.show()).ActiveState).not.toBe('failed')
  })

  test.each([
    ['a user of its own', []],
    ['a user that is made for it', ['DynamicUser=yes']],
  ])('writes states where it may, as %s', async (_user, user) => {
    for (const [lines = ''] of isolations) {
      await start('Environment=SLUICE_CACHE_DIR=/var/cache/sluice/states', ...user, lines)
      expect(await asked()).toEqual(answers)
      await systemd.systemctl('stop', 'sluice')
      expect(log()).not.toMatch(/warn|error/i)
      expect(await systemd.run('find', '/var/cache/sluice/', '-type', 'd')).toContain('states')
    }
  })

  test('keeps the rest of the system from it', async () => {
    const tries = ['touch /usr/here', 'touch /srv/sluice/here', 'ls /root', 'unshare --user true']
    const seen = '/var/cache/sluice/seen'
    const lines = [
      ...tries.map((one) => `-/bin/sh -c '${one} && echo "did ${one}" >> ${seen}'`),
      `/bin/sh -c 'id -un >> ${seen}'`,
      `/bin/sh -c 'grep -E "^(CapBnd|Seccomp):" /proc/self/status >> ${seen}'`,
    ]
    await start(...lines.map((line) => `ExecStartPre=${line}`))
    const told = await systemd.run('cat', seen)
    expect(told).toBe('sluice\nCapBnd:\t0000000000000000\nSeccomp:\t2\n')
    expect(await asked()).toEqual(answers)
  })
})

/** In the certificate of a new connection. */
async function nameOfCertificate(): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}
