#!/bin/sh
# Versions: HAProxy 2.6.12 of Debian 12 (2.6.12-1+deb12u4, amd64), which this unpacks; Node 20.19 or
# later asks it.
#
# `json_query` of HAProxy finds no text that has an escape beyond `\u00ff`, though it is valid JSON:
# the sample is empty, as where the field is not there. Of an escape up to `\u00ff` it makes one
# byte, which is no UTF-8 from `\u0080` on. The same texts in UTF-8 are found as they are. Python's
# json, among others, writes all characters beyond ASCII as such escapes. So a rule that keeps
# requests with one server by such a field lets those of many clients go anywhere, without a word.
# Objects and lists it does not find either.
#
# Seen on 2026-11-30:
#   {"a":"z"}         finds the bytes 7a
#   {"a":"\u4e2d"}    finds nothing
#   {"a":"z\u00e9"}   finds the bytes 7ae9
#   {"a":"中"}         finds the bytes e4b8ad
#   {"a":"x\ny"}      finds the bytes 780a79
#   {"a":7}           finds the bytes 37
#   {"a":null}        finds nothing
#   {"a":{"b":"z"}}   finds nothing
#   {"a":["z"]}       finds nothing
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
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const free = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})
writeFileSync('haproxy.cfg', `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend asked
  bind 127.0.0.1:${free}
  option http-buffer-request
  http-request set-var(txn.found) req.body,json_query('$.a')
  http-request return status 200 content-type text/plain lf-string "%[var(txn.found),hex]" if { var(txn.found) -m found }
  http-request return status 204
`)
const haproxy = spawn('usr/sbin/haproxy', ['-db', '-f', 'haproxy.cfg'], { stdio: 'inherit' })
process.on('exit', () => haproxy.kill())
const ask = (body) => fetch(`http://127.0.0.1:${free}`, { method: 'POST', body })
try {
  for (let left = 100; ; left--) {
    if (await ask('{}').catch(() => undefined)) break
    if (left === 0) throw new Error('HAProxy does not answer')
    await sleep(100)
  }
  const bodies = [
    '{"a":"z"}',
    '{"a":"\\u4e2d"}',
    '{"a":"z\\u00e9"}',
    '{"a":"中"}',
    '{"a":"x\\ny"}',
    '{"a":7}',
    '{"a":null}',
    '{"a":{"b":"z"}}',
    '{"a":["z"]}',
  ]
  for (const body of bodies) {
    const answer = await ask(body)
    const found = (await answer.text()).toLowerCase()
    console.log(`${body.padEnd(17)} finds ${answer.status === 200 ? `the bytes ${found}` : 'nothing'}`)
  }
} finally {
  haproxy.kill()
}
END
node ask.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'END'
{"a":"z"}         finds the bytes 7a
{"a":"\u4e2d"}    finds nothing
{"a":"z\u00e9"}   finds the bytes 7ae9
{"a":"中"}         finds the bytes e4b8ad
{"a":"x\ny"}      finds the bytes 780a79
{"a":7}           finds the bytes 37
{"a":null}        finds nothing
{"a":{"b":"z"}}   finds nothing
{"a":["z"]}       finds nothing
END
cmp seen.txt expected.txt
