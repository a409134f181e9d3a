import { describe, expect, test } from 'vitest'
import { toolLimitDefaults } from '../../src/options/engine-options.js'
import { parseTools } from '../../src/options/tools/tools.js'
import { jsonOf, NotJsonError } from '../../src/schema/json-of.js'
import { schemaGrammar } from '../../src/schema/schema-grammar.js'

describe('values that JSON has', () => {
  const bare = Object.assign(Object.create(null), { a: 1 })
  test.each([
    [null],
    [true],
    [-0],
    [1.5e300],
    ['a "quoted" \ud83e\udd8a \ud800'],
    [[]],
    [{}],
    [[1, ['a', null], { b: false }]],
    [{ a: undefined, b: { c: [{}] }, 'ü"': 'x' }],
    [{ when: new Date(0) }],
    [{ toJSON: (key: string) => `at ${key}` }],
    [bare],
    [new Proxy({ a: [1] }, {})],
    [{ [Symbol('hidden')]: 1, a: 1 }],
    [JSON.parse('{"__proto__": {"a": 1}}')],
  ])('are written as JSON.stringify writes them: %j', (value) => {
    expect(jsonOf(value, 1000)).toBe(JSON.stringify(value))
  })

  test('are written each time where they are shared', () => {
    const shared = { type: 'string' }
    const value = { a: shared, b: [shared, shared] }
    expect(jsonOf(value, 1000)).toBe(JSON.stringify(value))
  })
})

const circle: Record<string, unknown> = { type: 'object' }
circle.properties = { self: circle }
const deep = () => {
  let value: unknown = 1
  for (let i = 0; i < 100_000; i++) value = [value]
  return value
}
const bomb = () => {
  let value: unknown = {}
  for (let i = 0; i < 60; i++) value = { a: value, b: value }
  return value
}
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const holed = [1, 2, 3]
delete holed[1]

/** What JSON.stringify leaves out, changes, throws at, or never ends with. */
const noJson: [what: string, value: () => unknown, path: string][] = [
  ['a circle', () => circle, '.properties.self'],
  ['a circle of arrays', () => ((list) => [list, list.push(list)])([] as unknown[])[0], '[0]'],
  ['a bigint', () => ({ minimum: 5n }), '.minimum'],
  ['a function', () => ({ default: () => 1 }), '.default'],
  ['a symbol', () => [Symbol('x')], '[0]'],
  ['NaN', () => ({ maximum: Number.NaN }), '.maximum'],
  ['Infinity', () => ({ maximum: Number.POSITIVE_INFINITY }), '.maximum'],
  ['a hole', () => ({ enum: holed }), '.enum[1]'],
  ['undefined in an array', () => [undefined], '[0]'],
  ['a Map', () => ({ properties: new Map([['a', 1]]) }), '.properties'],
  ['a Set', () => ({ enum: new Set(['a']) }), '.enum'],
  ['a regular expression', () => ({ pattern: /x/ }), '.pattern'],
  ['a boxed string', () => ({ type: Object('string') }), '.type'],
  ['an instance of a class', () => new (class Schema {})(), ''],
  ['a revoked Proxy', () => ({ a: revoked.proxy }), '.a'],
  ['depth', deep, ''],
  ['objects that are shared 2 ** 60 times', bomb, ''],
  ['more than may be', () => 'x'.repeat(100_000), ''],
  [
    'a toJSON that throws',
    () => ({
      a: {
        toJSON: () => {
          throw Object.create(null)
        },
      },
    }),
    '.a',
  ],
  [
    'a getter that throws',
    () => ({
      get a() {
        throw new Error('not today')
      },
    }),
    '.a',
  ],
  [
    'names that cannot be read',
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('not today')
          },
        },
      ),
    '',
  ],
]

describe.each(noJson)('%s', (_, value, path) => {
  test('is refused where it stands', () => {
    try {
      jsonOf(value(), 65_536)
    } catch (error) {
      expect(error).toBeInstanceOf(NotJsonError)
      expect((error as NotJsonError).path).toBe(path)
      return
    }
    throw new Error('it was written')
  })

  test('in a schema is ERR_INVALID_SCHEMA, in a tool ERR_INVALID_OPTION', () => {
    expect(() => schemaGrammar(value())).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_SCHEMA', path: `schema${path}` }),
    )
    const parameters = { type: 'object', $defs: { x: value() } }
    const tools = [{ name: 'x', parameters }]
    const limits = { ...toolLimitDefaults, toolBytesMax: 65_536 }
    expect(() => parseTools(tools, undefined, limits)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_OPTION',
        option: expect.stringMatching(/^tools\[0\]\.parameters/),
        message: expect.stringMatching(/^'[^']+': expected .*JSON.*, but got .+\.$/),
      }),
    )
  })
})
