import { isPlainObject } from '../api/show.js'
import { jsonTextOf, NotJsonError } from '../schema/json-of.js'
import { type Check, check, refused, wrong } from './checks.js'

/** A variable of a chat template, and its value as JSON. */
export interface TemplateArgument {
  readonly name: string
  readonly value: string
}

const argumentsMax = 64
const bytesMax = 64 * 1024
const depthMax = 32

/** What the engine tells a template, and what templates call: another value would break them. */
const ownNames: Readonly<Record<string, string>> = {
  messages: 'the conversation',
  tools: 'the tools of the request',
  bos_token: "the model's own",
  eos_token: "the model's own",
  add_generation_prompt: 'what follows from the last message',
  enable_thinking: 'reasoning.enabled',
  reasoning_effort: 'reasoning.effort',
  raise_exception: 'a function of the template',
  strftime_now: 'a function of the template',
  namespace: 'a function of the template',
  range: 'a function of the template',
}

const names = `at most ${argumentsMax} variables (letters, digits and _), with values of JSON`

/** Plain here; its parts are looked at by parseTemplateArguments. */
export const templateArguments: Check<Readonly<Record<string, unknown>>> = {
  ...check<Readonly<Record<string, unknown>>>(`an object of ${names}`, (value) => {
    return isPlainObject(value) && Object.keys(value).length <= argumentsMax
  }),
  read: (value, path) => {
    parseTemplateArguments(value, path)
    return { ...value }
  },
}

/** @throws InvalidOptionError with the argument's path, for example `templateArguments.messages` */
export function parseTemplateArguments(
  given: Readonly<Record<string, unknown>>,
  at = 'templateArguments',
): TemplateArgument[] {
  const told = Object.keys(given).filter((name) => given[name] !== undefined)
  const parsed = told.map((name) => {
    const path = `${at}.${name}`
    if (!/^[a-z_]\w{0,63}$/i.test(name)) throw wrong(path, `an object of ${names}`, given[name])
    if (name.startsWith('__'))
      throw wrong(path, 'another name: templates have no such', given[name])
    const own = Object.hasOwn(ownNames, name) ? ownNames[name] : undefined
    if (own !== undefined) throw wrong(path, `nothing: it is ${own}`, given[name])
    return { name, value: jsonValue(given[name], path) }
  })
  const bytes = parsed.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0)
  if (bytes > bytesMax) throw wrong(at, `at most ${bytesMax} bytes of JSON in all`, bytes)
  return parsed
}

function jsonValue(value: unknown, path: string): string {
  const expected = `a value of JSON, at most ${depthMax} deep and ${bytesMax} bytes`
  try {
    const { text, depth } = jsonTextOf(value, bytesMax)
    if (depth > depthMax) throw wrong(path, expected, value)
    return text
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    throw refused(`${path}${cause.path}`, expected, cause.came, { cause })
  }
}
