import { InvalidOptionError } from '../../api/errors.js'
import { readStdin } from './stdin.js'
import { readTextFile } from './text-input.js'

interface PromptParts {
  readonly files: readonly { readonly name: string; readonly text: string }[]
  /** What came on standard input. */
  readonly piped: string
  /** What stands on the command line. */
  readonly prompt: string
}

/**
 * Reads all that is to be said to the model.
 * @param argument the prompt of the command line; `-` is the one on standard input
 * @throws InvalidOptionError
 */
export async function readPrompt(
  argument: string | undefined,
  fileNames: readonly string[],
): Promise<string> {
  const files: PromptParts['files'][number][] = []
  for (const name of fileNames) files.push({ name, text: await readTextFile('--file', name) })
  const prompt = argument === '-' ? '' : (argument ?? '')
  // Files can speak for themselves, and so can what is piped.
  const isOnStdin = argument === '-' || (argument === undefined && files.length === 0)
  if (argument !== '-' && isOnStdin && process.stdin.isTTY) throw noPrompt('there was none')
  const piped = await readStdin(isOnStdin)
  if (isOnStdin && piped.trim() === '') throw noPrompt('stdin was empty')
  const text = promptOf({ files, piped, prompt })
  if (text === '') throw noPrompt('it was empty')
  return text
}

/**
 * Files, then what was piped, then the prompt, with an empty line between: the question comes last,
 * as with `ollama run` and `llm`. Empty where all of them are.
 */
export function promptOf({ files, piped, prompt }: PromptParts): string {
  const others = prompt === '' ? [piped] : [withoutLastBreaks(piped), prompt]
  const said = others.filter((text) => text.trim() !== '')
  return [...files.map(named), ...said].join('\n\n')
}

/** Between fences, of which the text has none as long. */
function named({ name, text }: PromptParts['files'][number]): string {
  const runs = text.match(/`{3,}/g) ?? []
  const fence = '`'.repeat(runs.reduce((most, run) => Math.max(most, run.length + 1), 3))
  return `${name}:\n${fence}\n${withoutLastBreaks(text)}\n${fence}`
}

function withoutLastBreaks(text: string): string {
  return text.replace(/[\r\n]+$/, '')
}

function noPrompt(found: string): InvalidOptionError {
  const expected = 'a prompt, as in: sluice run "Tell me a story", or one on stdin'
  return new InvalidOptionError('prompt', `'prompt': expected ${expected}, but ${found}.`)
}
