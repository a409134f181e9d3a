import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toolHere } from '../support/packages/package.js'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
  for (const name of ['LICENSE', 'THIRD-PARTY.md', 'deps/llama.cpp/LICENSE'])
    scratch.write(name, '')
  scratch.write('deps/llama.cpp/licenses/LICENSE-jsonhpp', '')
})
afterEach(() => scratch[Symbol.dispose]())

const pack = (...args: string[]) =>
  scratch.run('scripts/pack-platforms.mjs', args, { npm_execpath: toolHere().npm })

/** A packed package's manifest and files. */
function unpacked(tarball: string) {
  const options = { cwd: path.join(scratch.root, 'packages'), encoding: 'utf8' } as const
  const files = execFileSync('tar', ['-tzf', tarball], options).trim().split('\n').sort()
  const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], options)
  return { manifest: JSON.parse(manifest), files }
}

const { version, repository } = JSON.parse(fs.readFileSync('package.json', 'utf8'))

describe('pack-platforms', () => {
  test.each([
    [
      'linux-x64',
      'sluice.glibc.node',
      'linux-x64',
      { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
    ],
    ['linux-arm64', 'sluice.musl.node', 'linux-arm64-musl', { cpu: ['arm64'], libc: ['musl'] }],
    ['darwin-arm64', 'sluice.node', 'darwin-arm64', { os: ['darwin'], cpu: ['arm64'] }],
  ])('packs prebuilds/%s with %s as @sluice/%s', (folder, addon, name, fields) => {
    scratch.write(`prebuilds/${folder}/${addon}`, 'addon')
    scratch.write(`prebuilds/${folder}/libggml-cpu-x64.so`, 'library')
    expect(pack(`--only=${name}`)).toMatchObject({ status: 0, stderr: '' })
    const { manifest, files } = unpacked(`sluice-${name}-${version}.tgz`)
    expect(manifest).toMatchObject({ name: `@sluice/${name}`, version, repository, ...fields })
    expect(manifest).not.toHaveProperty('scripts')
    expect(files).toEqual(
      expect.arrayContaining([
        `package/prebuilds/${folder}/${addon}`,
        `package/prebuilds/${folder}/libggml-cpu-x64.so`,
        'package/LICENSE',
        'package/LICENSE-llama.cpp',
        'package/THIRD-PARTY.md',
        'package/licenses/LICENSE-jsonhpp',
      ]),
    )
  })

  test('packs a further backend by itself', () => {
    scratch.write('prebuilds/linux-x64-cuda/libggml-cuda.so', 'library')
    expect(pack('--only=linux-x64-cuda')).toMatchObject({ status: 0, stderr: '' })
    const { manifest } = unpacked(`sluice-linux-x64-cuda-${version}.tgz`)
    expect(manifest).toMatchObject({ name: '@sluice/linux-x64-cuda', libc: ['glibc'] })
  })

  test('refuses a folder with addons for two C libraries, whose libraries have one name', () => {
    scratch.write('prebuilds/linux-x64/sluice.glibc.node', '')
    scratch.write('prebuilds/linux-x64/sluice.musl.node', '')
    expect(pack()).toMatchObject({ status: 1, stderr: expect.stringContaining('2 addons') })
  })

  test('refuses a platform that sluice would not ask for', () => {
    scratch.write('prebuilds/sunos-x64/sluice.node', '')
    expect(pack()).toMatchObject({ status: 1, stderr: expect.stringContaining('no package') })
  })
})
