import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sourceId, stampOf } from '../../../scripts/fetch-llama.mjs'
import { writeStamp } from '../../../scripts/support/stamp.mjs'

const checkout = path.resolve(import.meta.dirname, '../../..')

const copied = [
  'scripts',
  'package.json',
  'src/commonjs',
  'CMakeLists.txt',
  'cmake',
  'deps/llama.lock.json',
  'deps/patches',
]

/**
 * A throw-away checkout with our real scripts, stand-ins for the tools they call (each notes how it
 * was called in calls.log), and a PATH that holds nothing else.
 */
export class ScratchCheckout {
  readonly root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-scratch-')))
  readonly bin = path.join(this.root, 'bin')

  constructor() {
    for (const name of copied) {
      fs.cpSync(path.join(checkout, name), path.join(this.root, name), { recursive: true })
    }
    this.write('native/engine/a.cpp', '')
    this.write('deps/llama.cpp/include/llama.h', '')
    const lock = JSON.parse(this.read('deps/llama.lock.json'))
    this.write('deps/llama.cpp/.git/HEAD', lock.commit)
    const llama = path.join(this.root, 'deps/llama.cpp')
    writeStamp(stampOf(llama), sourceId(llama, lock, path.join(this.root, 'deps/patches')))
    for (const name of ['cmake', 'c++', 'ninja', 'git', 'tar', 'nvcc', 'glslc']) this.tool(name)
    this.write('node_modules/cmake-js/bin/cmake-js', standInForCmakeJs)
  }

  /** A program on the PATH; `script` is the body of a shell script. */
  tool(name: string, script = 'echo version 3.25.1') {
    const file = this.write(`bin/${name}`, `#!/bin/sh\n${script}\n`)
    fs.chmodSync(file, 0o755)
  }

  remove(name: string) {
    fs.rmSync(path.join(this.root, name), { recursive: true })
  }

  write(name: string, text: string) {
    const file = path.join(this.root, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text)
    return file
  }

  read(name: string) {
    return fs.readFileSync(path.join(this.root, name), 'utf8')
  }

  list(folder: string) {
    return fs.readdirSync(path.join(this.root, folder)).sort()
  }

  exists(name: string) {
    return fs.existsSync(path.join(this.root, name))
  }

  /** How cmake-js was called since the last time this was asked. */
  takeCalls(): string[] {
    const log = path.join(this.root, 'calls.log')
    const calls = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n') : []
    fs.rmSync(log, { force: true })
    return calls
  }

  run(script: string, args: string[] = [], env: Record<string, string> = {}) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      cwd: this.root,
      encoding: 'utf8',
      env: { PATH: this.bin, TMPDIR: os.tmpdir(), ...env },
    })
    return { status, stdout, stderr, lines: stdout.trim().split('\n') }
  }

  [Symbol.dispose]() {
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

const standInForCmakeJs = `
const fs = require('node:fs'), path = require('node:path')
const args = process.argv.slice(2)
fs.appendFileSync('calls.log', [...args, 'MAKEFLAGS=' + process.env.MAKEFLAGS].join(' ') + '\\n')
if (fs.readFileSync('native/engine/a.cpp', 'utf8').includes('error')) process.exit(1)
if (args[0] === 'build') {
  const result = path.join(args[args.indexOf('-O') + 1], 'result')
  fs.rmSync(result, { recursive: true, force: true })
  fs.mkdirSync(result, { recursive: true })
  const target = args[args.indexOf('-T') + 1]
  const library = process.platform === 'win32' ? target + '.dll' : 'lib' + target + '.so'
  const variants = ['faulty', 'failing', 'failed-calls', 'devices', 'malloc-use', 'soft-amx']
  const addons = ['sluice', ...variants.map((name) => 'sluice-' + name)]
  const program = target.startsWith('ggml-') ? library : target
  const file = addons.includes(target) ? target + '.node' : program
  const skipped = fs.existsSync('skip') && fs.readFileSync('skip', 'utf8') === target
  for (const name of skipped ? [] : [file, 'libggml-a.so', 'libggml-old.so']) {
    fs.writeFileSync(path.join(result, name), args.join(' '))
  }
  fs.writeFileSync(path.join(result, 'release-files.txt'), 'sluice.node\\nlibggml-a.so\\n')
}
`
