import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// Our patches to llama.cpp (deps/patches), and what the build does without them (cmake/amx.cmake).

const folder = path.resolve('deps/patches')
const names = fs.readdirSync(folder).map((file) => path.basename(file, '.patch'))
const read = (name: string) => fs.readFileSync(path.join(folder, `${name}.patch`), 'utf8')

describe.each(names)('the patch %s', (name) => {
  test('says why, what upstream has, and which test needs it', () => {
    const [title = '', empty, ...rest] = read(name).split('\ndiff --git')[0]?.split('\n') ?? []
    expect(title.length).toBeGreaterThan(10)
    expect(empty).toBe('')
    expect(rest.filter((line) => /^(Upstream|Test): /.test(line))).toHaveLength(2)
  })

  test('leaves its name in the source, and is in the source that is built', () => {
    const added = new RegExp(`^\\+ *// sluice patch: ${name}$`, 'm')
    expect(read(name)).toMatch(added)
    const file = /^\+\+\+ b\/(.*)$/m.exec(read(name))?.[1] ?? ''
    const source = files(name).map((one) => fs.readFileSync(one, 'utf8'))
    expect(file).not.toBe('')
    expect(source.join('')).toContain(`sluice patch: ${name}\n`)
  })
})

function files(name: string) {
  const inTree = [...read(name).matchAll(/^\+\+\+ b\/(.*)$/gm)].map((match) => match[1] ?? '')
  return inTree.map((file) => path.resolve('deps/llama.cpp', file))
}

const canConfigure = process.arch === 'x64' && !spawnSync('cmake', ['--version']).error

describe.skipIf(!canConfigure)('the build', () => {
  let temp: string
  beforeEach(() => {
    temp = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-amx-')))
    write('deps/patches/amx-1-a.patch', '')
    write('deps/patches/amx-2-b.patch', '')
    write('CMakeLists.txt', checkout)
    write('llama/ggml/src/CMakeLists.txt', ggml)
    write('llama/ggml/src/a.c', 'int a;\n')
    fs.cpSync(path.resolve('cmake'), path.join(temp, 'cmake'), { recursive: true })
  })
  afterEach(() => fs.rmSync(temp, { recursive: true, force: true }))

  test('has AMX where the source has all our patches for it', () => {
    writeSource('mmq.cpp', 'amx-1-a')
    writeSource('amx.cpp', 'amx-2-b')
    const { output, command } = configure()
    expect(output).not.toContain('AMX')
    expect(command('ggml-cpu')).not.toContain('-mno-amx')
    expect(command('ggml-cpu-sapphirerapids')).toContain('-mamx-int8')
  })

  test('leaves AMX out where one is missing, and says so', () => {
    writeSource('mmq.cpp', 'amx-1-a')
    writeSource('amx.cpp', 'amx-2-bc')
    const { output, command } = configure()
    expect(output.replace(/\s+/g, ' ')).toContain('AMX is left out')
    expect(output.replace(/\s+/g, ' ')).toContain(
      'lacks amx-2-b. deps/llama.cpp has them after: npm run fetch',
    )
    expect(command('ggml-cpu')).toMatch(/-march=native.*-mno-amx-tile -mno-amx-int8 -mno-amx-bf16/)
    expect(command('ggml-cpu-sapphirerapids')).toContain('-mno-amx-int8')
    expect(command('ggml-cpu-sapphirerapids')).not.toMatch(/-mamx-|-D__AMX_/)
    expect(command('ggml-cpu-sapphirerapids-feats')).not.toContain('-mno-amx')
  })

  test('leaves AMX out of a source that has no such files', () => {
    expect(configure().output.replace(/\s+/g, ' ')).toContain('lacks amx-1-a, amx-2-b.')
  })

  function configure() {
    const { stdout, stderr, status } = spawnSync('cmake', ['-S', temp, '-B', `${temp}/build`], {
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
    const commands = () =>
      JSON.parse(fs.readFileSync(`${temp}/build/compile_commands.json`, 'utf8')) as {
        command: string
      }[]
    const command = (target: string) =>
      commands().find((one) => one.command.includes(`/${target}.dir/`))?.command
    return { output: stdout + stderr, command }
  }

  function writeSource(file: string, name: string) {
    write(`llama/ggml/src/ggml-cpu/amx/${file}`, `// sluice patch: ${name}\n`)
  }

  function write(name: string, text: string) {
    const file = path.join(temp, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text)
  }
})

const checkout = `
cmake_minimum_required(VERSION 3.18)
project(a C CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(LLAMA_CPP_DIR "\${CMAKE_CURRENT_SOURCE_DIR}/llama")
add_subdirectory(llama/ggml/src)
include(cmake/llama-source.cmake)
include(cmake/amx.cmake)
`
const ggml = `
foreach(name ggml-base ggml-cpu ggml-cpu-sapphirerapids ggml-cpu-sapphirerapids-feats)
  add_library(\${name} STATIC a.c)
endforeach()
target_compile_options(ggml-cpu PRIVATE -march=native)
target_compile_options(ggml-cpu-sapphirerapids PRIVATE -mavx512f -mamx-tile -mamx-int8)
target_compile_definitions(ggml-cpu-sapphirerapids PRIVATE __AMX_INT8__ GGML_AMX_INT8)
`
