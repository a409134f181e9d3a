import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

describe.runIf(process.platform === 'linux')('the addon', () => {
  test('shows none of llama.cpp’s symbols, which another addon’s llama.cpp would meet', () => {
    const args = ['-D', '--defined-only', 'build/Release/sluice.node']
    const names = execFileSync('nm', args, { encoding: 'utf8' }).match(/\S+$/gm) ?? []
    expect(names).toContain('napi_register_module_v1')
    expect(names.filter((name) => /llama|ggml|gguf|sluice|common_/.test(name))).toEqual([])
  })
})
