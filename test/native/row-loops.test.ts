import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const isBuilt = process.platform === 'linux' && process.arch === 'x64'

/** The objects of native/sampling/row-loops.cpp that are for more than the least processor. */
function objects(): string[] {
  const builds = fs
    .readdirSync('build-cmake')
    .filter((name) => name.startsWith('cpu-x64-release') && !isSanitized(name))
  return builds.flatMap((build) =>
    ['avx2', 'avx512']
      .map((kind) => `CMakeFiles/sluice-row-loops-${kind}.dir/native/sampling/row-loops.cpp.o`)
      .map((object) => path.join('build-cmake', build, object))
      .filter((object) => fs.existsSync(object)),
  )
}

/** Sanitizers put calls of their own into every function. */
function isSanitized(build: string): boolean {
  const cache = path.join('build-cmake', build, 'CMakeCache.txt')
  return fs.existsSync(cache) && /^SLUICE_SANITIZE:\w+=\w/m.test(fs.readFileSync(cache, 'utf8'))
}

describe.runIf(isBuilt)('loops that are compiled for several processors', () => {
  test('share no function with other files, which another processor would then run', () => {
    expect(objects().length).toBeGreaterThanOrEqual(2)
    for (const object of objects()) {
      const lines = execFileSync('nm', ['-C', object], { encoding: 'utf8' }).trim().split('\n')
      const symbols = lines.map((line) => line.slice(17)) // after the address
      const ours = symbols.filter((symbol) => /^[A-Z] /.test(symbol))
      expect(ours).toEqual([expect.stringMatching(/^[DR] sluice::row_kernels_avx(2|512)$/)])
      // Weak ones are those of which the linker keeps one for all.
      expect(symbols.filter((symbol) => /^[VWuvw] /.test(symbol))).toEqual([])
    }
  })
})
