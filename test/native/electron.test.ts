import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

// Electron's V8 keeps array buffers in a cage: memory that was allocated outside of it cannot
// become one. So bytes are copied into what V8 allocated.

const makers = /Napi::\w*Buffer(<\w+>)?::New\s*\(|napi_create_external\w*buffer/g

/** Calls of a maker with more than an environment and a size: with memory of one's own. */
function externalBuffers(code: string): string[] {
  const calls: string[] = []
  for (const { index } of code.matchAll(makers)) {
    const call = code.slice(index, code.indexOf(';', index))
    const isOurs = call.startsWith('napi_create_external') || call.split(',').length > 2
    if (isOurs) calls.push(call)
  }
  return calls
}

test('native code makes no buffer of memory that V8 did not allocate', () => {
  const folder = 'native/addon'
  const files = readdirSync(folder).filter((name) => /\.(cpp|h)$/.test(name))
  expect(files).not.toEqual([])
  const found = files.flatMap((name) =>
    externalBuffers(readFileSync(path.join(folder, name), 'utf8')),
  )
  expect(found).toEqual([])
})

test.each([
  ['Napi::Buffer<char>::New(env, data, size);', 1],
  ['Napi::ArrayBuffer::New(env, data, size, finalize);', 1],
  ['napi_create_external_arraybuffer(env, data, size, nullptr, nullptr, &result);', 1],
  ['Napi::Buffer<char>::Copy(env, data, size);', 0],
  ['Napi::ArrayBuffer::New(env, size);', 0],
])('the rule sees %s', (code, calls) => {
  expect(externalBuffers(code)).toHaveLength(calls)
})

test('the compiler refuses such calls as well', () => {
  const flags = /target_compile_definitions\(sluice PRIVATE([^)]*\)?[^)]*)\)/s
  const [, definitions] = flags.exec(readFileSync('CMakeLists.txt', 'utf8')) ?? []
  expect(definitions).toContain('NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED')
})
