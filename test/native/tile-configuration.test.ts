import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  bytesAt,
  type Instruction,
  parseInstruction,
  type ReadOnly,
} from '../support/x64/straight-line.js'

// AMX is told the sizes of its tiles by 64 bytes of memory, and faults where they are wrong. GCC
// before 11.5, 12.4 and 13.3 leaves out most of the stores that fill them (deps/patches,
// amx-1-tile-memory). No AMX is needed to see that: the code itself says what it writes.

const patch = path.resolve('deps/patches/amx-1-tile-memory.patch')
const source = path.resolve('deps/llama.cpp/ggml/src')
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-tiles-'))
afterAll(() => fs.rmSync(temp, { recursive: true, force: true }))

const reason = whyNot()
const timeout = 15 * 60_000

/** Tiles 0 and 1 hold 8 rows of 64 bytes, 2 and 3 16 rows of 32, the others 16 rows of 64. */
const configuration = [
  [1, 0, ...zeros(14)],
  [64, 0, 64, 0, 32, 0, 32, 0, 64, 0, 64, 0, 64, 0, 64, 0, ...zeros(16)],
  [8, 8, 16, 16, 16, 16, 16, 16, ...zeros(8)],
].flat()

describe.skipIf(reason)(`the configuration of AMX tiles${reason && ` (${reason})`}`, () => {
  test('is written whole before it is loaded', { timeout }, () => {
    expect(written(path.join(source, 'ggml-cpu/amx/mmq.cpp'))).toEqual([configuration])
  })

  test('would not be without our patch, by compilers known for it', { timeout }, (it) => {
    const version = compilerVersion()
    const isKnown = /^(11\.[0-4]|12\.[0-3])\./.test(version)
    if (!isKnown) it.skip(`g++ ${version} needs no patch, as far as we know`)
    expect(written(unpatched())).not.toEqual([configuration])
  })
})

test('code that cannot be followed is not taken for a written configuration', () => {
  const code = [
    'vpxor %xmm0,%xmm0,%xmm0',
    'vmovdqa %xmm0,0x10(%rsp)',
    'movb $0x1,0x10(%rsp)',
    'mov %rax,0x18(%rsp)',
  ]
  const after = (...lines: string[]) =>
    bytesAt('0x10(%rsp)', 16, [...code, ...lines].map(instruction), () => [])
  expect(after()).toEqual([1, ...zeros(7), ...new Array(8).fill(undefined)])
  expect(after('movq $0xffffffffffffffff,0x18(%rsp)').slice(7)).toEqual([0, ...Array(8).fill(255)])
  for (const line of ['push %rax', 'call 10', 'sub $0x8,%rsp', 'mov %eax,(%rdi)']) {
    expect(after(line), line).toEqual(new Array(16).fill(undefined))
  }
})

function instruction(text: string): Instruction {
  return parseInstruction(`  0:\t${text}`) as Instruction
}

function whyNot(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'only on x64 Linux'
  for (const tool of ['g++', 'objdump', 'git']) {
    if (spawnSync(tool, ['--version']).error) return `${tool} is not installed`
  }
  const args = ['-march=sapphirerapids', '-xc++', '-E', '/dev/null']
  if (spawnSync('g++', args).status !== 0) return 'g++ is older than AMX'
  return ''
}

function compilerVersion(): string {
  return execFileSync('g++', ['-dumpfullversion'], { encoding: 'utf8' }).trim()
}

/** For each place in the compiled file that loads a configuration: what is there by then. */
function written(file: string) {
  const object = path.join(temp, 'mmq.o')
  const linked = path.join(temp, 'mmq.so')
  const options = ['-O3', '-DNDEBUG', '-march=sapphirerapids', '-std=c++17', '-fPIC', '-w']
  const include = ['.', 'ggml-cpu', 'ggml-cpu/amx', '../include'].map((dir) => `-I${source}/${dir}`)
  execFileSync('g++', [...options, '-D_GNU_SOURCE', ...include, '-c', file, '-o', object])
  // Linked, so that constants have addresses.
  execFileSync('g++', ['-shared', '-nostdlib', object, '-o', linked])
  const text = objdump(linked, '-d', '--no-show-raw-insn')
  const blocks = text.split(/^.*\bldtilecfg\b/m)
  const places = [...text.matchAll(/^.*\bldtilecfg\s+(\S+)/gm)].map((match) => match[1] ?? '')
  return places.map((place, i) => bytesAt(place, 64, lineBefore(blocks[i] ?? ''), readOnly(linked)))
}

/** The instructions since the last jump, call or target of one. */
function lineBefore(text: string): Instruction[] {
  const code = text.trimEnd().split('\n').map(parseInstruction)
  const last = code.findLastIndex((one) => !one || /^(j|call|ret|loop)/.test(one.name))
  return code.slice(last + 1).filter((one) => one !== undefined)
}

function readOnly(file: string): ReadOnly {
  return (address, count) => {
    const range = [`--start-address=${address}`, `--stop-address=${address + count}`]
    const lines = objdump(file, '-s', ...range).matchAll(/^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})/gm)
    const digits = [...lines].map((line) => (line[1] ?? '').replaceAll(' ', '')).join('')
    return Array.from(Buffer.from(digits, 'hex'))
  }
}

function objdump(file: string, ...args: string[]): string {
  return execFileSync('objdump', [...args, file], { encoding: 'utf8', maxBuffer: 1 << 28 })
}

/** The source as it was before our patch. */
function unpatched(): string {
  const inTree = 'ggml/src/ggml-cpu/amx/mmq.cpp'
  const copy = path.join(temp, inTree)
  fs.mkdirSync(path.dirname(copy), { recursive: true })
  fs.copyFileSync(path.resolve('deps/llama.cpp', inTree), copy)
  execFileSync('git', ['apply', '-R', patch], { cwd: temp })
  return copy
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0)
}
