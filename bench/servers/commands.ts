import { inRoot } from '../paths.js'
import { llamaProgram } from '../setup/llama-programs.js'
import type { ServerCommand } from './server-process.js'

/** What both servers are told. */
export interface ServerSettings {
  model: string
  /** Conversations at once. */
  parallel: number
  /** Tokens of one conversation. */
  context: number
  threads: number
  /** Whether Sluice is told so too, and not to try for itself. */
  fixesThreads: boolean
  /** llama-server as it comes, rather than as fast as we could make it. */
  stock: boolean
  kvType: 'f16' | 'q8_0'
  /** MiB of host memory for the states of earlier prompts; each server's default otherwise. */
  cacheMiB?: number
  /** Folder for Sluice's states on disk; llama-server has none that it fills by itself. */
  cacheDir?: string
  /** Requests that may wait for a slot; llama-server refuses none. Sluice's default otherwise. */
  queue?: number
  /** Further flags of llama-server, where a case has a better choice than its defaults. */
  llamaFlags?: readonly string[]
}

export function sluiceCommand(settings: ServerSettings): ServerCommand {
  const { model, parallel, context, threads, fixesThreads, kvType, queue } = settings
  const { cacheMiB, cacheDir } = settings
  const flags = {
    ...{ model, parallel, context, 'kv-type': kvType },
    ...(fixesThreads ? { threads } : {}),
    ...(cacheMiB === undefined ? {} : { 'cache-mib': cacheMiB }),
    ...(cacheDir === undefined ? {} : { 'cache-dir': cacheDir }),
    ...(queue === undefined ? {} : { queue }),
  }
  return {
    name: 'sluice',
    program: process.execPath,
    args: (port) => [inRoot('dist/cli/main.cjs'), 'serve', ...asArguments({ ...flags, port })],
  }
}

/** Node's arguments for the command that answers one prompt. */
export function runArguments(model: string, prompt: string): string[] {
  return [inRoot('dist/cli/main.cjs'), 'run', prompt, ...asArguments({ model, 'max-tokens': 32 })]
}

/**
 * llama-server as fast as we could make it: split KV (unified is slower for independent
 * conversations), flash attention, no parsing of replies, no log, no web page. `context` is told
 * as the sum over all conversations.
 */
export async function llamaCommand(settings: ServerSettings): Promise<ServerCommand> {
  const { model, parallel, context, threads, kvType, cacheMiB, llamaFlags = [] } = settings
  const flags = {
    model,
    parallel,
    'ctx-size': context * parallel,
    threads,
    'cache-type-k': kvType,
    'cache-type-v': kvType,
    ...(cacheMiB === undefined ? {} : { 'cache-ram': cacheMiB }),
  }
  if (settings.stock) return command(asArguments(flags))
  const best = { ...flags, 'flash-attn': 'on', fit: 'off' }
  const switches = [
    '--no-kv-unified',
    '--skip-chat-parsing',
    '--no-slots',
    '--no-ui',
    '--log-disable',
    '--offline',
    ...llamaFlags,
  ]
  return command([...asArguments(best), ...switches])
}

async function command(flags: string[]): Promise<ServerCommand> {
  return {
    name: 'llama-server',
    program: await llamaProgram('llama-server'),
    args: (port) => [...flags, '--port', String(port), '--host', '127.0.0.1'],
  }
}

function asArguments(flags: Record<string, string | number>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
}
