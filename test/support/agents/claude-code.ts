import path from 'node:path'
import { type Agent, replyTokens } from './agents.js'
import { jsonInTags } from './plan.js'

/**
 * Claude Code, which speaks Anthropic's Messages. Its licence does not let it be part of this
 * repository or of CI: it is fetched where somebody runs the long tests.
 */
export const claudeCode: Agent = {
  name: 'claude-code',
  packages: ['@anthropic-ai/claude-code@2.1.332'],
  template: 'Qwen-Qwen2.5-7B-Instruct.jinja',
  format: jsonInTags,
  tools: {
    read: (file_path) => ({ name: 'Read', arguments: { file_path } }),
    write: (file_path, content) => ({ name: 'Write', arguments: { file_path, content } }),
    run: (command) => ({ name: 'Bash', arguments: { command } }),
  },
  files: () => ({}),
  env: ({ baseURL, model }) => ({
    ANTHROPIC_BASE_URL: baseURL.replace(/\/v1$/, ''),
    ANTHROPIC_AUTH_TOKEN: 'any',
    ANTHROPIC_MODEL: model,
    CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(replyTokens),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  }),
  command: (modules, ask, isFirst) => [
    path.join(modules, '@anthropic-ai/claude-code-linux-x64/claude'),
    ...['--allowedTools', 'Read,Write,Bash', '--permission-mode', 'acceptEdits'],
    ...[...(isFirst ? [] : ['--continue']), '-p', ask],
  ],
}
