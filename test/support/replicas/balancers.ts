import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts, type Ports } from './fleet.js'

/** A balancer of another project in front of replicas, with the configuration of deploy/. */
export interface Balancer {
  readonly url: string
  /** What it has said so far. */
  said(): string
  stop(): Promise<void>
}

export interface Haproxy extends Balancer {
  /** What it answers to a command on its socket. */
  control(command: string): Promise<string>
}

export type BalancerName = 'haproxy' | 'nginx'

const deploy = (name: string) =>
  fs.readFileSync(fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url)), 'utf8')

/** Where a program is missing, in words for who runs the tests; else the empty string. */
export function missing(name: BalancerName): string {
  if (spawnSync(name, ['-v']).error === undefined) return ''
  return `not run: install ${name === 'nginx' ? 'nginx-light' : name} for it`
}

/** The ports of the files in deploy/, and of the replicas in their order. */
function withPorts(text: string, own: number, replicas: readonly Ports[]): string {
  const ports = replicas.flatMap(({ port, agentPort }, i): [number, number][] => {
    return [
      [8081 + i, port],
      [9081 + i, agentPort],
    ]
  })
  const all = new Map<string, number>([['8080', own]])
  for (const [from, to] of ports) all.set(String(from), to)
  return text.replace(/\b(?:80|90)8\d\b/g, (port) => String(all.get(port) ?? port))
}

/** @param change of the file, for a comparison */
export async function startHaproxy(
  replicas: readonly Ports[],
  change: (config: string) => string = (config) => config,
): Promise<Haproxy> {
  const [port = 0] = await freePorts(1)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-haproxy-'))
  const socket = path.join(folder, 'control')
  const config = withPorts(change(deploy('haproxy.cfg')), port, replicas)
  const file = path.join(folder, 'haproxy.cfg')
  fs.writeFileSync(
    file,
    config.replace(/^global$/m, `global\n  stats socket ${socket} level admin`),
  )
  const balancer = await started('haproxy', ['-db', '-f', file], port, folder)
  return { ...balancer, control: (command) => asked(socket, command) }
}

export async function startNginx(replicas: readonly Ports[]): Promise<Balancer> {
  const [port = 0] = await freePorts(1)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-nginx-'))
  fs.writeFileSync(
    path.join(folder, 'sluice.conf'),
    withPorts(deploy('nginx.conf'), port, replicas),
  )
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const main = [
    `pid ${folder}/pid; error_log stderr warn; worker_processes 1; daemon off;`,
    'events { worker_connections 1024; }',
    `http { access_log off; include ${folder}/sluice.conf;`,
    ...temporary.map((name) => `${name}_temp_path ${folder}/${name};`),
    '}',
  ]
  const file = path.join(folder, 'nginx.conf')
  fs.writeFileSync(file, main.join('\n'))
  fs.chmodSync(folder, 0o755) // its workers are of another user
  return started('nginx', ['-c', file], port, folder)
}

async function started(
  command: string,
  args: readonly string[],
  port: number,
  folder: string,
): Promise<Balancer> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part
  })
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await ended(child)
    fs.rmSync(folder, { recursive: true, force: true })
  }
  for (let i = 0; i < 200 && child.exitCode === null; i++) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.status === 200) return { url, said: () => said, stop }
    await sleep(50)
  }
  await stop()
  throw new Error(`${command} did not begin: ${said}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 3000)
  await exit
  clearTimeout(late)
}

/** A command on HAProxy's socket. */
function asked(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const client = net.connect(socket, () => client.write(`${command}\n`))
    client.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    client.on('error', reject).on('close', () => resolve(text))
  })
}
