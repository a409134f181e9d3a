import { beforeAll, describe, expect, test } from 'vitest'
import { observeAgent, shownAgents } from '../../support/clients/agent-cases.js'
import { cases } from '../../support/clients/cases.js'
import { libraries, observeLibrary } from '../../support/clients/libraries.js'
import { sectionsOfPage } from '../../support/clients/page.js'
import { type Observed, tablesOf } from '../../support/clients/words.js'

// What the clients of docs/clients.md do where a server does what is not written in any
// documentation: each runs unchanged, as npm has it, against a server of some lines that sends the
// frames of one case. The page's tables are what is seen here, printed as Markdown.

const isHere = process.platform === 'linux' && process.arch === 'x64'

describe.runIf(isHere)('the tables of docs/clients.md', () => {
  let seen: Map<string, string>

  beforeAll(async () => {
    const ofLibraries = await Promise.all(libraries.map(observeLibrary))
    const ofAgents: Observed[][] = []
    // Two at a time: each takes seconds for each case, and a minute where it waits for one.
    const left = [...shownAgents.entries()]
    const next = async (): Promise<void> => {
      const [at, agent] = left.shift() ?? []
      if (at === undefined || agent === undefined) return
      ofAgents[at] = await observeAgent(agent)
      await next()
    }
    await Promise.all([next(), next()])
    seen = tablesOf([...ofLibraries, ...ofAgents].flat())
    for (const [title, table] of seen) console.log(`### ${title}\n\n${table}\n`)
  }, 30 * 60_000)

  test.each(Object.values(cases))('are what clients do: $title', ({ title }) => {
    const section = sectionsOfPage().find((one) => one.title === title)
    expect(section?.table).toBe(seen.get(title))
  })
})
