#!/bin/sh
# Versions: HAProxy 2.6.12 of Debian 12 (2.6.12-1+deb12u4, amd64), which this unpacks; Node 20.19 or
# later asks it.
#
# A server whose agent-check says `drain` is left out where HAProxy balances. But what a stick-table
# has for it is sent to it all the same, for as long as it answers, so a client that was there before
# never notices that it drains. `stopped` ends that at once.
# And `ready` of an agent is more than "up": it takes back the `drain` (and the `maint`) that an
# operator has set through the stats socket, at the next look. `up` leaves that alone.
#
# Seen on 2026-11-30, of a client whose first request went to one of two servers:
#   the agent says up: the same server
#   the agent says drain: the same server (DRAIN)
#   the agent says stopped: the other one (DOWN)
#   an operator's drain, and the agent says up: DRAIN
#   an operator's drain, and the agent says ready: UP
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
apt-get download -qq haproxy=2.6.12-1+deb12u4 liblua5.3-0 libpcre2-8-0 libpcre2-posix3 libssl3 \
  libsystemd0 libopentracing-c-wrapper0 libopentracing1 > apt.txt 2>&1 || { cat apt.txt >&2; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$PWD/usr/lib/x86_64-linux-gnu:$PWD/lib/x86_64-linux-gnu"
cat > ask.mjs <<'END'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const listening = (server, port = 0) =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server.address().port)))
// HAProxy resets the connection once it has the line.
const agentOf = (name) =>
  createServer((socket) => socket.on('error', () => undefined).end(`${says[name]}\n`))
const names = ['one', 'two']
const says = { one: 'up', two: 'up' }
const ports = await Promise.all(
  names.map((name) => listening(createHttpServer((_, answer) => answer.end(name)))),
)
const agents = await Promise.all(
  names.map((name) => listening(agentOf(name))),
)
const probe = createServer()
const free = await listening(probe)
probe.close()
const server = (i) => `server ${names[i]} 127.0.0.1:${ports[i]} agent-port ${agents[i]}`
writeFileSync('haproxy.cfg', `
global
  stats socket ${process.cwd()}/stats mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
listen asked
  bind 127.0.0.1:${free}
  balance leastconn
  stick-table type string len 20 size 1k expire 1h
  stick on req.hdr(x-talk)
  default-server agent-check agent-inter 100ms check inter 100ms
  ${server(0)}
  ${server(1)}
`)
const haproxy = spawn('usr/sbin/haproxy', ['-db', '-f', 'haproxy.cfg'], { stdio: 'ignore' })
process.on('exit', () => haproxy.kill())

const command = (text) =>
  new Promise((resolve, reject) => {
    let said = ''
    const socket = connect('stats', () => socket.write(`${text}\n`))
    socket.on('data', (data) => {
      said += data
    })
    socket.on('end', () => resolve(said)).on('error', reject)
  })
async function state(name) {
  const [head, ...rows] = (await command('show stat')).replace(/^# /, '').trim().split('\n')
  const place = head.split(',').indexOf('status')
  const row = rows.map((line) => line.split(',')).find(([, server]) => server === name)
  return row[place].split(' ')[0]
}
async function until(holds, what) {
  for (let left = 200; !(await holds().catch(() => false)); left--) {
    if (left === 0) throw new Error(`not seen: ${what}`)
    await sleep(50)
  }
}
const ask = async () => {
  const answer = await fetch(`http://127.0.0.1:${free}`, { headers: { 'x-talk': 'a' } })
  return answer.ok ? answer.text() : undefined
}

try {
  let first
  await until(async () => (first = await ask()) !== undefined, 'an answer')
  const where = async () => ((await ask()) === first ? 'the same server' : 'the other one')
  console.log(`the agent says up: ${await where()}`)
  says[first] = 'drain'
  await until(async () => (await state(first)) === 'DRAIN', 'DRAIN')
  console.log(`the agent says drain: ${await where()} (${await state(first)})`)
  says[first] = 'ready'
  await until(async () => (await state(first)) === 'UP', 'UP')
  says[first] = 'stopped'
  await until(async () => (await state(first)) === 'DOWN', 'DOWN')
  console.log(`the agent says stopped: ${await where()} (${await state(first)})`)
  says[first] = 'up'
  await until(async () => (await state(first)) === 'UP', 'UP again')
  await command(`set server asked/${first} state drain`)
  await sleep(1000) // ten looks
  console.log(`an operator's drain, and the agent says up: ${await state(first)}`)
  says[first] = 'ready'
  await until(async () => (await state(first)) === 'UP', 'UP by ready')
  console.log(`an operator's drain, and the agent says ready: ${await state(first)}`)
} finally {
  haproxy.kill()
}
process.exit()
END
node ask.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'END'
the agent says up: the same server
the agent says drain: the same server (DRAIN)
the agent says stopped: the other one (DOWN)
an operator's drain, and the agent says up: DRAIN
an operator's drain, and the agent says ready: UP
END
cmp seen.txt expected.txt
