import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '../eventually.js'
import { childrenOf } from '../isolated/served.js'

/** What is asked of a service: `systemctl show` has more. */
export type Shown = Record<(typeof shownNames)[number], string>

const shownNames = [
  'ActiveState',
  'SubState',
  'StatusText',
  'Result',
  'MainPID',
  'NRestarts',
  'ExecMainStatus',
  'ControlGroup',
  'ReloadResult',
] as const

const script = fileURLToPath(new URL('start.sh', import.meta.url))
const project = fileURLToPath(new URL('../../../', import.meta.url))
const folders = ['units', 'drop-ins', 'etc', 'shared']
/** Of those that every service waits for, and that would start a whole machine. */
const targets = ['sysinit', 'basic', 'shutdown', 'network-online', 'multi-user']
const run = promisify(execFile)

/**
 * A real systemd as process 1 of its own namespaces, with deploy/systemd/sluice.service as its only
 * service: the very file, and what it names is there. Owned by the test file that starts it.
 */
export class OwnSystemd {
  /** What the service appends to /srv/shared is here. */
  readonly folder: string
  readonly #unshare: ChildProcess
  #pid = 0

  private constructor(folder: string) {
    this.folder = folder
    const args = ['unshare', '--mount', script, folder, project, process.execPath]
    // It ends with this process, whatever ends that.
    this.#unshare = spawn('setpriv', ['--pdeathsig', 'KILL', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }

  /** Rejects with why there can be none here, in a line. */
  static async start(model: string): Promise<OwnSystemd> {
    if (process.platform !== 'linux') throw new Error('systemd is Linux’s')
    if (process.getuid?.() !== 0) throw new Error('only root may start one')
    if (!fs.existsSync('/lib/systemd/systemd')) throw new Error('systemd is not installed')
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-systemd-'))
    for (const name of folders) fs.mkdirSync(path.join(folder, name))
    fs.copyFileSync(model, path.join(folder, 'model.gguf'))
    fs.chmodSync(path.join(folder, 'model.gguf'), 0o644)
    for (const name of targets) {
      fs.writeFileSync(path.join(folder, 'units', `${name}.target`), '[Unit]\n')
    }
    const systemd = new OwnSystemd(folder)
    try {
      await systemd.#begun()
    } catch (error) {
      await systemd.end()
      throw error
    }
    return systemd
  }

  async #begun(): Promise<void> {
    let said = ''
    this.#unshare.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const isUp = async () => {
      if (this.#unshare.exitCode !== null) throw new Error(said.trim().split('\n').at(-1))
      const [pid] = childrenOf(this.#unshare.pid as number)
      if (pid === undefined) return false
      this.#pid = pid
      const state = await this.run('systemctl', 'is-system-running').catch(() => '')
      return state.trim() === 'running'
    }
    await eventually(isUp, () => `it did not come up: ${said.trim()}`)
  }

  /** A command inside. @returns what it wrote to stdout; rejects where it fails */
  async run(command: string, ...args: string[]): Promise<string> {
    const inside = ['-t', String(this.#pid), '-m', '-p', '-u', '-i', '-C', command, ...args]
    return (await run('nsenter', inside)).stdout
  }

  systemctl(...args: string[]): Promise<string> {
    return this.run('systemctl', ...args)
  }

  /** The unit is what it is, with these lines of [Service] on top of it. */
  async amend(lines: readonly string[]): Promise<void> {
    const file = path.join(this.folder, 'drop-ins', 'test.conf')
    fs.writeFileSync(file, ['[Service]', ...lines, ''].join('\n'))
    await this.systemctl('daemon-reload')
  }

  async show(): Promise<Shown> {
    const text = await this.systemctl('show', 'sluice', '--property', shownNames.join(','))
    const pairs = text.split('\n').filter((line) => line.includes('='))
    return Object.fromEntries(
      pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ) as Shown
  }

  /** The processes of the service, by their numbers inside. */
  async processes(): Promise<number[]> {
    const { ControlGroup: group } = await this.show()
    const text = await this.run('cat', `/sys/fs/cgroup${group}/cgroup.procs`).catch(() => '')
    return text.split('\n').filter(Boolean).map(Number)
  }

  async end(): Promise<void> {
    if (this.#unshare.exitCode === null && this.#unshare.signalCode === null) {
      this.#unshare.kill('SIGKILL')
      await once(this.#unshare, 'exit')
    }
    const groups = path.join(this.folder, 'cgroup')
    const own = path.join(groups, path.basename(this.folder))
    const remove = `mount -t cgroup2 cgroup2 ${groups} || exit 0
      test ! -d ${own} || find ${own} -depth -type d -exec rmdir {} +`
    if (fs.existsSync(groups)) {
      // Its processes are gone a moment after their first one.
      await eventually(() => {
        try {
          execFileSync('unshare', ['--mount', 'sh', '-c', remove], { stdio: 'ignore' })
          return true
        } catch {
          return false
        }
      }, 'its control groups stay')
    }
    fs.rmSync(this.folder, { recursive: true })
  }
}
