import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { headerCircles, scriptCircles } from './support/tidy/circles.js'
import { cppCatches, cppFunctionLength, cppImports } from './support/tidy/cpp-rules.js'
import {
  crowdedFolders,
  filesMax,
  type Rule,
  type SourceFile,
  sourceFiles,
} from './support/tidy/files.js'
import {
  dashCaseNames,
  lineWidth,
  noMachinePaths,
  noRegistryHosts,
} from './support/tidy/text-rules.js'
import { testTitles } from './support/tidy/title-rules.js'
import {
  typescriptCatches,
  typescriptFunctionLength,
  typescriptImports,
} from './support/tidy/typescript-rules.js'

// Style itself is tested. Every rule is also shown a sample that it must refuse, because a rule
// that finds nothing looks the same as a tree that has nothing to find.

interface RuleTest {
  sentence: string
  rule: Rule
  bad: [path: string, text: string][]
  good: [path: string, text: string][]
}

const long = (lines: number) => 'x();\n'.repeat(lines)
const inDirs = (...parts: string[]) => ['', ...parts].join('/') // so that this file is tidy itself

const rules: RuleTest[] = [
  {
    sentence: 'C++ imports run addon -> engine -> llama -> grammar, gguf, memory, sampling -> base',
    rule: cppImports,
    bad: [
      ['native/llama/a.h', '#include "engine/b.h"'],
      ['native/llama/a.h', '#include "llama/template/b.h"'],
      ['native/grammar/a.h', '#include "llama/b.h"'],
      ['native/sampling/a.h', '#include "grammar/b.h"'],
      ['native/grammar/a.cpp', '#include "llama.h"'],
      ['native/engine/batch/a.cpp', '#include "engine/prepare/b.h"'],
      ['native/engine/a.h', '#include "addon/b.h"'],
      ['native/engine/a.cpp', '#include <napi.h>'],
      ['native/engine/a.cpp', '#include "llama.h"'],
      ['native/addon/a.cpp', '#include "chat.h"'],
      ['native/test/a.cpp', '#include <ggml.h>'],
      ['native/llama/a.cpp', '#include "test/check.h"'],
      ['native/llama/test/a.cpp', '#include "engine/b.h"'],
    ],
    good: [
      ['native/llama/a.cpp', '#include "llama.h"\n#include "llama/b.h"\n#include <vector>'],
      ['native/llama/test/a.cpp', '#include "llama.h"\n#include "test/check.h"'],
      ['native/engine/prepare/a.cpp', '#include "engine/batch/b.h"\n#include "base/c.h"'],
      ['native/addon/a.cpp', '#include <napi.h>\n#include "engine/b.h"\n#include <unistd.h>'],
    ],
  },
  {
    sentence:
      'TypeScript imports run cli > http > apis > host > web > engine > options > schema > api',
    rule: typescriptImports,
    bad: [
      ['src/engine/a.ts', "import { b } from '../http/b.js'"],
      ['src/hub/a.ts', "import { b } from '../engine/b.js'"],
      ['src/apis/openai/chat/a.ts', "import type { b } from '../../../binding/b.js'"],
      ['src/binding/a.ts', "const b = await import('../engine/b.js')"],
      ['src/options/a.ts', "export * from '../engine/b.js'"],
      ['src/schema/a.ts', "import { b } from '../options/b.js'"],
      ['src/schema/reading/a.ts', "import { b } from '../strings/b.js'"],
      ['src/schema/writing/a.ts', "import { b } from '../b.js'"],
      ['src/api/a.ts', "import type { b } from '../engine/b.js'"],
      ['src/apis/openai/a.ts', "import http from 'node:http'"],
      ['src/apis/openai/a.ts', "import { b } from '../../http/b.js'"],
      ['src/apis/openai/a.ts', "import { b } from '../llama-server/b.js'"],
      ['src/apis/anthropic/a.ts', "import { b } from '../openai/b.js'"],
      ['src/apis/a.ts', "import { b } from './openai/b.js'"],
      ['src/web/a.ts', "import { b } from '../apis/openai/b.js'"],
      ['src/http/a.ts', "import { z } from 'zod'"],
      ['src/options/a.ts', "import { z } from 'zod'"],
      ['src/http/door/a.ts', "import http from 'node:http'"],
      ['src/http/door/a.ts', "import { b } from '../node/b.js'"],
      ['src/engine/a.ts', "import { b } from '../../scripts/b.mjs'"],
      ['src/ai-sdk/a.ts', "import { b } from '../http/b.js'"],
      ['src/engine/a.ts', "import { b } from '../ai-sdk/b.js'"],
      ['src/engine/a.ts', "import type { B } from '@ai-sdk/provider'"],
      ['src/page/a.ts', "import { b } from '../web/b.js'"],
      ['src/http/a.ts', "import { b } from '../page/b.js'"],
      ['src/http/a.ts', "import { Lexer } from 'marked'"],
    ],
    good: [
      ['src/cli/a.ts', "import { b } from '../http/b.js'\nimport { c } from 'commander'"],
      ['src/apis/openai/a.ts', "import { z } from 'zod'"],
      [
        'src/http/node/a.ts',
        "import http from 'node:http'\nimport { b } from '../../apis/openai/b.js'",
      ],
      ['src/apis/llama-server/a.ts', "import { b } from '../openai/b.js'"],
      ['src/http/index.ts', "import { b } from './node/b.js'"],
      ['src/engine/pull/a.ts', "import { b } from '../../hub/b.js'"],
      ['src/options/a.ts', "import type { b } from '../api/types.js'"],
      ['src/schema/strings/a.ts', "import { b } from '../writing/b.js'"],
      ['src/schema/a.ts', "import { b } from './strings/b.js'"],
      ['src/index.ts', "export * from './engine/b.js'"],
      ['src/ai-sdk/a.ts', "import type { B } from '@ai-sdk/provider'"],
      ['src/page/a.ts', "import { Lexer } from 'marked'\nimport { b } from '../api/b.js'"],
    ],
  },
  {
    sentence: 'a line of code is at most 100 characters wide',
    rule: lineWidth,
    bad: [['src/a.ts', `\n// ${'x'.repeat(98)}`]],
    good: [['src/a.ts', `// ${'é'.repeat(97)}`]],
  },
  {
    sentence: 'a C++ function is at most 70 lines long',
    rule: cppFunctionLength,
    bad: [
      ['native/engine/a.cpp', `int f(int x) const noexcept {\n${long(70)}}`],
      ['native/engine/a.cpp', `A::A(int x) : x_(x), y_{1, 2} {\n${long(70)}}`],
      [
        'native/engine/a.cpp',
        `struct A {\n  A() {}\n  auto f() -> int override {\n${long(70)}}\n};`,
      ],
    ],
    good: [
      ['native/engine/a.cpp', `int f() {\n${long(68)}}`],
      ['native/engine/a.cpp', `namespace a {\nstruct B {\n${long(90)}};\n}`],
      ['native/engine/a.cpp', `int f() {\n  g("{");  // {\n}\nnamespace b {\n${long(90)}}`],
    ],
  },
  {
    sentence: 'a TypeScript function is at most 70 lines long',
    rule: typescriptFunctionLength,
    bad: [
      ['src/a.ts', `function f() {\n${long(70)}}`],
      ['scripts/a.mjs', `const f = () => {\n${long(70)}}`],
      ['test/a.test.ts', `describe('x', () => {\ntest('y', () => {\n${long(70)}}) })`],
    ],
    good: [
      ['src/a.ts', `function f() {\n${long(68)}}`],
      ['test/a.test.ts', `describe('x', () => {\n${long(70)}})`],
    ],
  },
  {
    sentence: 'a title of a test says its subject',
    rule: testTitles,
    bad: [
      ['test/a.test.ts', "test('and so does the other', () => {})"],
      ['test/a.test.ts', "describe('a', () => { test.each([1])('it is %i', () => {}) })"],
      ['test/a.test.ts', "test('12, 13: the counts match', () => {})"],
      ['test/a.test.ts', "test('a word is taken, nor is a text', () => {})"],
      ['native/test/a.cpp', 'TEST(\n    "ledger: it is busy") {\n}'],
    ],
    good: [
      ['test/a.test.ts', "test('items are counted', () => { expect('it is').toBe('so') })"],
      ['test/a.test.ts', "describe(wireCheck(1), () => { test('order is kept', () => {}) })"],
      ['native/test/a.cpp', 'TEST("ledger: the engine is busy") {\n  CHECK("it is");\n}'],
    ],
  },
  {
    sentence: 'files and folders have dash-case names',
    rule: dashCaseNames,
    bad: [
      ['src/someFile.ts', ''],
      ['native/engine/text_stream.h', ''],
      ['test/Support/a.ts', ''],
    ],
    good: [
      ['src/engine/text-stream.test.ts', ''],
      ['CMakeLists.txt', ''],
    ],
  },
  {
    sentence: 'no file names a path of one machine',
    rule: noMachinePaths,
    bad: [
      ['src/a.ts', `const a = '${inDirs('home', 'me', 'model.gguf')}'`],
      ['README.md', `cd ${inDirs('Users', 'me')}`],
    ],
    good: [['src/a.ts', "import a from '../tmp/b.js' // see https://example.com/home/x"]],
  },
  {
    sentence: 'no file names a package registry',
    rule: noRegistryHosts,
    bad: [
      ['package-lock.json', `"resolved": "${'https'}://example.com/a.tgz"`],
      ['.npmrc', `//${['registry', 'example', 'com'].join('.')}/`],
    ],
    good: [['package.json', '"registry": true']],
  },
  {
    sentence: 'no C++ catch is empty',
    rule: cppCatches,
    bad: [['native/addon/a.cpp', 'try { f(); } catch (...) { /* nothing */ }']],
    good: [['native/addon/a.cpp', 'try { f(); } catch (...) { g(); }  // catch (...) {}']],
  },
  {
    sentence: 'no TypeScript catch is empty',
    rule: typescriptCatches,
    bad: [['src/a.ts', 'try { f() } catch { /* nothing */ }']],
    good: [['src/a.ts', "try { f() } catch (error) { g(error) } // 'catch {}'"]],
  },
]

const files = sourceFiles(path.resolve(import.meta.dirname, '..'))

test('the tidy rules see every folder of code', () => {
  for (const folder of [
    'native/llama',
    'native/engine',
    'native/addon',
    'src',
    'test',
    'scripts',
    'bench',
  ]) {
    expect(files.some((file) => file.path.startsWith(`${folder}/`))).toBe(true)
  }
})

describe.each(rules)('$sentence', ({ rule, bad, good }) => {
  test('holds everywhere', () => {
    expect(files.flatMap(rule)).toEqual([])
  })

  test.each(bad)('refuses bad sample %#: %s', (path, text) => {
    expect(rule({ path, text })).toHaveLength(1)
  })

  test.each(good)('accepts good sample %#: %s', (path, text) => {
    expect(rule({ path, text })).toEqual([])
  })
})

const tree = (...texts: [path: string, text: string][]): SourceFile[] => {
  return texts.map(([path, text]) => ({ path, text }))
}

describe('no file of src imports itself, by way of others or not', () => {
  test('holds everywhere', () => {
    expect(scriptCircles(files)).toEqual([])
  })

  test('refuses two files and three, types too', () => {
    const two = tree(
      ['src/a.ts', "import { b } from './b/b.js'"],
      ['src/b/b.ts', "import type { a } from '../a.js'"],
    )
    expect(scriptCircles(two)).toEqual(['src/a.ts -> src/b/b.ts -> src/a.ts'])
    const three = tree(
      ['src/a.ts', "export * from './b.js'"],
      ['src/b.ts', "import './d.js'\nconst c = await import('./c.js')"],
      ['src/c.ts', "import { b } from './b.js'"],
      ['src/d.ts', "import path from 'node:path'"],
    )
    expect(scriptCircles(three)).toEqual(['src/b.ts -> src/c.ts -> src/b.ts'])
    expect(scriptCircles(tree(['src/a.ts', "import { a } from './a.js'"]))).toHaveLength(1)
  })

  test('accepts two ways to one file', () => {
    const files = tree(
      ['src/a.ts', "import { b } from './b.js'\nimport { c } from './c.js'"],
      ['src/b.ts', "import { c } from './c.js'"],
      ['src/c.ts', "// import { a } from './a.js'"],
    )
    expect(scriptCircles(files)).toEqual([])
  })
})

describe('no header in native includes itself, by way of others or not', () => {
  test('holds everywhere', () => {
    expect(headerCircles(files)).toEqual([])
  })

  test('refuses two headers', () => {
    const two = tree(
      ['native/base/a.h', '#pragma once\n#include "llama/b.h"'],
      ['native/llama/b.h', '#include <vector>\n  # include "base/a.h"'],
    )
    expect(headerCircles(two)).toEqual(['native/base/a.h -> native/llama/b.h -> native/base/a.h'])
  })

  test('accepts a header of llama.cpp, and a source that includes its own', () => {
    const files = tree(
      ['native/llama/a.h', '#include "llama.h"'],
      ['native/llama/a.cpp', '#include "llama/a.h"'],
    )
    expect(headerCircles(files)).toEqual([])
  })
})

/** The folder may be another user's. */
const asAnyone = ['-c', 'safe.directory=*']

test('the root has the files that belong there, and no other is committed', () => {
  const committed = execFileSync('git', [...asAnyone, 'ls-files', ':(glob)*'], { encoding: 'utf8' })
  const known = [
    ...['.clang-format', '.editorconfig', '.gitattributes', '.gitignore', 'biome.json'],
    ...['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'],
    ...['THIRD-PARTY.md', 'CMakeLists.txt', 'binding.gyp', 'package.json', 'package-lock.json'],
    ...['tsconfig.json', 'tsconfig.check.json', 'vitest.config.ts'],
  ]
  expect(committed.trim().split('\n').sort()).toEqual(known.sort())
})

describe('a folder has about twenty files at most', () => {
  const folder = (count: number) => Array.from({ length: count }, (_, i) => `src/a/b${i}.ts`)
  const below = (count: number) =>
    tree(...folder(count).map((name) => [name, ''] as [string, string]))

  test('holds everywhere', () => {
    expect(crowdedFolders(files)).toEqual([])
  })

  test('refuses one file more, and counts each folder by itself', () => {
    expect(crowdedFolders(below(filesMax + 1))).toEqual([
      `src/a: ${filesMax + 1} files, at most ${filesMax}`,
    ])
    expect(
      crowdedFolders([
        ...below(filesMax),
        ...tree(['src/a/c/d.ts', '']),
        ...tree(['src/e.ts', '']),
      ]),
    ).toEqual([])
  })
})
