import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// What the addon showed could meet another addon's llama.cpp, or node's own copy of a template.

const release = 'build/Release'
const variants = existsSync(release)
  ? readdirSync(release).filter((name) => existsSync(`${release}/${name}/sluice.node`))
  : []

describe.runIf(process.platform === 'linux')('the addon', () => {
  test('shows what Node looks for, and nothing else', () => {
    const args = ['-D', '--defined-only', 'build/Release/sluice.node']
    const names = execFileSync('nm', args, { encoding: 'utf8' }).match(/\S+$/gm) ?? []
    expect(names.sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1'])
  })

  test.each(['.', ...variants])('lacks nothing of ours (%s)', (folder) => {
    const args = ['-DC', '--undefined-only', `${release}/${folder}/sluice.node`]
    const names = execFileSync('nm', args, { encoding: 'utf8' }).match(/\S+$/gm) ?? []
    expect(names).toContain('napi_create_function')
    expect(names.filter((name) => /^(sluice::|_?llama_|ggml_)/.test(name))).toEqual([])
  })
})
