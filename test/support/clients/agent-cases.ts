import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Agent, agents } from '../agents/agents.js'
import { claudeCode } from '../agents/claude-code.js'
import { environment, outputOf, writeAll } from '../agents/session.js'
import { installed } from '../packages/installed.js'
import { type CaseName, caseNames } from './cases.js'
import { pieces, type Wire } from './frames.js'
import { startScripted, type ToolNames } from './scripted-server.js'
import type { Observed } from './words.js'

/** An agent, and what the table needs to know of it. */
export interface ShownAgent {
  /** As the table calls it. */
  readonly name: string
  readonly wire: Wire
  readonly agent: Pick<Agent, 'name' | 'packages' | 'files' | 'env' | 'command'>
  /** Its tool that runs commands. */
  readonly tool: ToolNames
}

const codex: ShownAgent['agent'] = {
  name: 'codex',
  packages: ['@openai/codex@0.171.0'],
  files: ({ baseURL }) => ({
    '.codex/config.toml': `
model = "default"
model_provider = "own"

[model_providers.own]
name = "Own"
base_url = "${baseURL}"
wire_api = "responses"
`,
  }),
  command: (modules, ask) => [
    process.execPath,
    path.join(modules, '@openai/codex/bin/codex.js'),
    ...['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', ask],
  ],
}

const command = (name: string) => ({ name, argument: 'command' })
const named = (name: string): Agent => {
  const agent = agents.find((one) => one.name === name)
  if (agent === undefined) throw new Error(`no agent is called ${name}`)
  return agent
}

export const shownAgents: readonly ShownAgent[] = [
  {
    name: 'Codex',
    wire: 'responses',
    agent: codex,
    tool: { name: 'exec_command', argument: 'cmd' },
  },
  { name: 'Claude Code', wire: 'messages', agent: claudeCode, tool: command('Bash') },
  { name: 'opencode', wire: 'chat', agent: named('opencode'), tool: command('bash') },
  {
    name: 'Qwen Code',
    wire: 'chat',
    agent: named('qwen-code'),
    tool: command('run_shell_command'),
  },
  { name: 'Pi', wire: 'chat', agent: named('pi'), tool: command('bash') },
  { name: 'Continue', wire: 'chat', agent: named('continue'), tool: command('Bash') },
]

/** Nobody is there who would leave one, and none asks for two choices. */
const notOfAgents: readonly CaseName[] = ['abort', 'choices']
/** Longer than a wait of 75 s, and than some retries. */
const longestMs = 110_000

/** What an agent does in each case, one after the other. */
export async function observeAgent(
  { name, wire, agent, tool }: ShownAgent,
  names = caseNames(wire).filter((one) => !notOfAgents.includes(one)),
): Promise<Observed[]> {
  const modules = path.join(installed(agent.packages), 'node_modules')
  const observed: Observed[] = []
  for (const caseName of names) {
    const server = await startScripted(tool)
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `sluice-${agent.name}-`)))
    const [home, work] = [path.join(folder, 'home'), path.join(folder, 'work')]
    try {
      mkdirSync(work)
      const address = { baseURL: `${server.url}/${agent.name}/${caseName}/v1`, model: 'default' }
      writeAll(home, agent.files(address))
      const env = { ...environment(home), ...agent.env?.(address) }
      const asks = agent.command(modules, 'Say hello.', true)
      const output = await outputOf(asks, work, env, longestMs)
      const said = [pieces.join(''), pieces[0]].find((text = '') => output.includes(text)) ?? ''
      const seen = { text: said, output }
      const { asked } = server
      observed.push({ client: name, wire, way: '', name: caseName, seen, asked })
    } finally {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return observed
}
