#!/usr/bin/env node
// Takes llama-server's command line and runs `sluice serve` with what it means. Models of the Hub
// are mapped to those that the test has made: $LLAMA_SUITE_MODELS is a file of their paths, by what
// the name of the asked one has in it. What Sluice has no word for is left out.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Flags that Sluice has by another name, or by the same.
 * @type {Record<string, string>}
 */
const names = {
  '--port': '--port',
  '--temp': '--temperature',
  '--seed': '--seed',
  '--threads': '--threads',
  '--cache-ram': '--cache-mib',
  '-ctk': '--kv-type',
  '-fa': '--flash-attention',
  '--chat-template-file': '--chat-template-file',
}

/** Of llama-server's, those that take no value. */
const switches = new Set([
  ...['--offline', '--cont-batching', '--embedding', '--reranking', '--metrics', '--kv-unified'],
  ...['--swa-full', '--slots', '--no-slots', '--context-shift', '--no-ui', '--no-models-autoload'],
  ...['--jinja', '--no-jinja', '--no-mmproj', '--no-cache-idle-slots', '--ui-mcp-proxy'],
  ...['--backend_sampling', '--verbose'],
])

const given = parsed(process.argv.slice(2))
process.argv = [...process.argv.slice(0, 2), 'serve', ...sluiceFlags(given)]
const key = given.get('--api-key')
if (key !== undefined) process.env.SLUICE_API_KEY = key
createRequire(import.meta.url)('../../../dist/cli/main.cjs')

/** @param {string[]} args */
function parsed(args) {
  /** @type {Map<string, string>} */
  const flags = new Map()
  for (let i = 0; i < args.length; i++) {
    const name = args[i] ?? ''
    flags.set(name, switches.has(name) ? '' : (args[++i] ?? ''))
  }
  return flags
}

/**
 * @param {Map<string, string>} flags
 * @returns {string[]}
 */
function sluiceFlags(flags) {
  const parallel = Number(flags.get('--parallel') ?? 4)
  const context = Number(flags.get('--ctx-size') ?? 0)
  const shared = flags.has('--kv-unified')
  const given = [...flags].flatMap(([name, value]) => {
    const own = names[name]
    return own === undefined ? [] : [own, value]
  })
  const aliases = (flags.get('--alias') ?? '').split(',').filter((name) => name !== '')
  const limit = Number(flags.get('--n-predict') ?? -1)
  return [
    ...given,
    ...['--host', (flags.get('--host') ?? '127.0.0.1').split(',', 1).join()],
    ...['--parallel', `${parallel}`],
    ...(context > 0 ? ['--context', `${shared ? context : Math.floor(context / parallel)}`] : []),
    ...(context > 0 && shared ? ['--kv-cells', `${context}`] : []),
    ...(limit >= 0 ? ['--max-tokens', `${limit}`] : []),
    ...aliases.flatMap((name) => ['--alias', name]),
    ...modelFlags(flags),
    ...templateFlags(flags),
    ...(flags.has('--model-draft') ? ['--draft', modelOf('draft')] : []),
    ...(flags.get('--reasoning') === 'off' ? ['--thinking', 'off'] : []),
    '--tools-fallback',
    '--any-model', // llama-server answers to any name
    '--open-metrics',
    ...['--allow-origin', '*'],
    ...['--log-level', 'error'],
  ]
}

/** @param {Map<string, string>} flags */
function modelFlags(flags) {
  const asked = ['--hf-repo', '--hf-file', '--model-url', '--model']
    .map((name) => flags.get(name) ?? '')
    .join(' ')
  if (asked.trim() === '') return []
  const embeds = flags.has('--embedding') || flags.has('--reranking')
  const pooling = flags.get('--pooling')
  if (embeds && /rerank/.test(asked)) return ['--model', modelOf('rerank')]
  if (embeds) return ['--model', modelOf(`embedding-${pooling ?? 'mean'}`)]
  return ['--model', modelOf(/infill/.test(asked) ? 'infill' : 'text')]
}

/**
 * @param {string} kind
 * @returns {string}
 */
function modelOf(kind) {
  const models = JSON.parse(readFileSync(process.env.LLAMA_SUITE_MODELS ?? '', 'utf8'))
  return models[kind] ?? models.text
}

/**
 * llama-server takes a template's text, or one of its own by name, which Sluice has not.
 * @param {Map<string, string>} flags
 */
function templateFlags(flags) {
  const template = flags.get('--chat-template')
  if (template === undefined || /^[\w.-]+$/.test(template)) return []
  const path = join(tmpdir(), `llama-suite-template-${process.pid}.jinja`)
  writeFileSync(path, template)
  return ['--chat-template-file', path]
}
