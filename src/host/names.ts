import { refused } from '../options/checks.js'
import { nameOfModel } from '../options/models-options.js'
import { optionName } from '../options/spoken-names.js'
import { HttpError } from '../web/errors.js'
import type { ModelEntry } from './model-host.js'

/** Every name a model answers to, each once: its own, and its others. */
export function modelNames(own: string, others: readonly string[]): [string, ...string[]] {
  const further = new Set(others)
  further.delete(own)
  return [own, ...further]
}

/** What Ollama puts behind a name that has no tag, and its clients send. */
const usualTag = ':latest'

/** Whether a model of these names is meant: each may have Ollama's usual tag behind it. */
export function areNames(names: readonly string[], asked: string): boolean {
  return names.includes(asked) || names.includes(untagged(asked))
}

/** A name without Ollama's usual tag. */
export function untagged(name: string): string {
  const isTagged = name.length > usualTag.length && name.endsWith(usualTag)
  return isTagged ? name.slice(0, -usualTag.length) : name
}

/** The same with it, where it has no other. A port, or what stands before a slash, is no tag. */
export function tagged(name: string): string {
  return /:[^/]*$/.test(name) ? name : name + usualTag
}

/** The name that a reply bears: the one asked for, where it is the model's or an adapter's. */
export function nameOfReply(
  asked: string | undefined,
  { names, adapters }: Pick<ModelEntry, 'names' | 'adapters'>,
): string {
  const isKnown = asked !== undefined && areNames([...names, ...adapters], asked)
  return isKnown ? asked : names[0]
}

/**
 * A name stands for a model, or for an adapter of one.
 * @throws InvalidOptionError
 */
export function checkAdapterNames(names: readonly string[], adapters: readonly string[]): void {
  const taken = adapters.find((name) => names.includes(name))
  if (taken === undefined) return
  throw refused('lora', 'names that no model has', `'${taken}', which is a model's`)
}

export function modelNotFound(name: string, names: readonly string[]): HttpError {
  const known = names.map((one) => `'${one}'`).join(', ')
  const asked = name.length <= 100 ? name : `${name.slice(0, 100)}...`
  const message =
    `There is no model '${asked}' here; expected one of: ${known}. The server's owner can let it ` +
    `answer to any name (${optionName('anyModel')}).`
  return new HttpError('model', message, { field: 'model' })
}

/** Names that requests may give, and models that they may add. */
const givenMax = 1024

/** Throws the 400 of a name that is none, that another model has, or that is one too many. */
export function checkFree(name: string, names: readonly string[], given: number): void {
  const refuse = (message: string) => {
    throw new HttpError('invalid_request', message)
  }
  if (!nameOfModel.accepts(name)) refuse(`Expected ${nameOfModel.expected} for the new one.`)
  if (areNames(names, name)) refuse(`There is a model '${name}' already.`)
  if (given >= givenMax) refuse(`${givenMax} names were given to models, as many as may be.`)
}

/**
 * Throws the 400 of a copy that cannot be: of an adapter, since a further name is a model's, or
 * under a name that lists would not show, or that stands for another without its tag.
 */
export function checkCopied(
  asked: string | undefined,
  adapters: readonly string[],
  further: string,
): void {
  if (asked !== undefined && areNames(adapters, asked)) {
    const message = `'${asked}' is a LoRA adapter, of which there are no copies; copy its model.`
    throw new HttpError('invalid_request', message, { field: 'source' })
  }
  // No white space, and no control, format or other character of Unicode's class C.
  const isPlain = /^[^\s\p{C}:][^\s\p{C}]*$/u.test(further) && !further.endsWith(usualTag)
  if (isPlain) return
  const message = "Expected a name such as 'story' or 'story:v2' for the copy, without spaces."
  throw new HttpError('invalid_request', message, { field: 'destination' })
}

/** The 400 of a model that is added again before it has gone. */
export function isBeingDeleted(name: string): HttpError {
  const message = `'${name}' is being deleted, once no request uses it; pull it again after that.`
  return new HttpError('invalid_request', message, { field: 'model' })
}

/** The 400 of a model that no request has added. */
export function isOfStart(name: string): HttpError {
  const message = `The server was started with the model '${name}', which stays.`
  return new HttpError('invalid_request', message, { field: 'model' })
}
