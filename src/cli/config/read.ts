import fs from 'node:fs'
import path from 'node:path'
import type * as z from 'zod'
import type { PooledModelOptions } from '../../api/models-types.js'
import { reasonOf } from '../../api/show.js'
import { refused } from '../../options/checks.js'
import { isHubName } from '../../options/hub-name.js'
import { type Config, type ConfigModel, configSchema } from './schema.js'

const flag = '--config'

/** @throws InvalidOptionError that names the file and the place in it */
export function readConfig(file: string): Config {
  const found = configSchema.safeParse(parsed(file, textOf(file)))
  if (found.success) return found.data
  const [first] = found.error.issues
  throw refused(flag, 'a file as docs/config.schema.json describes it', `${file}: ${said(first)}`)
}

/** The models' options, with files as paths from here. Names of the Hub stay as they are. */
export function modelsOf(config: Config, file: string): Record<string, PooledModelOptions> {
  const folder = path.dirname(file)
  const models = Object.entries(config.models).map(([name, model]) => {
    return [name, optionsOf(model, folder)] as const
  })
  return Object.fromEntries(models)
}

function optionsOf(model: ConfigModel, folder: string): PooledModelOptions {
  const { file, chatTemplateFile, cacheDir, loadAtStart: _, draft, lora, ...options } = model
  const below = (one: string) => path.resolve(folder, one)
  const given = {
    ...options,
    model: isHubName(file) ? file : below(file),
    draft: draft === undefined || isHubName(draft) ? draft : below(draft),
    lora: lora === undefined ? undefined : adaptersBelow(lora, below),
    cacheDir: cacheDir === undefined ? undefined : below(cacheDir),
    chatTemplate: chatTemplateFile === undefined ? undefined : textOf(below(chatTemplateFile)),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present)
}

function adaptersBelow(lora: NonNullable<ConfigModel['lora']>, below: (file: string) => string) {
  const adapters = Object.entries(lora).map(([name, one]) => {
    const { file, ...rest } = typeof one === 'string' ? { file: one } : one
    return [name, { ...rest, file: below(file) }] as const
  })
  return Object.fromEntries(adapters)
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (cause) {
    throw refused(flag, 'files that can be read', `${file} (${reasonOf(cause)})`, { cause })
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused(flag, 'a file of JSON', `${file} (${reasonOf(cause)})`, { cause })
  }
}

function said(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'something else'
  const at = issue.path.map(String).join('.')
  return at === '' ? issue.message : `at ${at}: ${issue.message}`
}
