// What spoils the checks of decisions: 64 to 68.

const answers = 'test/engine/decide.test.ts'
const decisions = 'test/http/decisions/decisions.test.ts'
const systemOne = 'test/http/decisions/systemone.test.ts'

/** @type {readonly import('./mutants.mjs').Mutant[]} */
export const decisionMutants = [
  {
    check: 64,
    file: 'src/engine/decide/answers.ts',
    find: 'powers.map((power) => power / whole)',
    replace: 'powers',
    tests: answers,
  },
  {
    check: 64,
    file: 'src/engine/decide/answers.ts',
    find: 'const powers = logs.map((log) => Math.exp(log - highest))',
    replace: 'const powers = [...logs.map((log) => Math.exp(log - highest)), 1]',
    tests: decisions,
  },
  {
    check: 65,
    file: 'src/engine/decide/answers.ts',
    find: 'readings.map((reading) => reading[i] ??',
    replace: 'readings.slice(0, 1).map((reading) => reading[i] ??',
    tests: answers,
  },
  {
    check: 65,
    file: 'src/engine/decide/prompts.ts',
    find: 'inOrder([...places].reverse())',
    replace: 'inOrder(places)',
    tests: decisions,
  },
  {
    check: 65,
    file: 'src/engine/decide/prompts.ts',
    find: 'byPlace[place] = chosen[i]',
    replace: 'byPlace[i] = chosen[i]',
    tests: decisions,
  },
  {
    check: 65,
    file: 'src/engine/decide/prompts.ts',
    find: 'const sorted = placesInOrder(shown)',
    replace: 'const sorted = [...shown.keys()]',
    tests: answers,
  },
  {
    check: 66,
    file: 'src/engine/decide/usage.ts',
    find: 'all += promptTokens - (shared[i] ?? 0)',
    replace: 'all += promptTokens',
    tests: answers,
  },
  {
    check: 66,
    file: 'src/apis/openai/decisions/handler.ts',
    find: 'output_tokens: 0,',
    replace: 'output_tokens: answers.length,',
    tests: decisions,
  },
  {
    check: 67,
    file: 'src/apis/openai/decisions/input.ts',
    find: 'text: JSON.stringify(part.data)',
    replace: 'text: String(part.data)',
    tests: decisions,
  },
  {
    check: 67,
    file: 'src/options/other-words/criteria-questions.ts',
    find: "typeof entry === 'string' ? entry : JSON.stringify(entry)",
    replace: 'String(entry)',
    tests: systemOne,
  },
  {
    check: 68,
    file: 'src/apis/openai/decisions/handler.ts',
    find: "if (told.field !== 'state') return told",
    replace: 'return told',
    tests: decisions,
  },
  {
    check: 68,
    file: 'src/apis/typesafe/errors.ts',
    find: '? 422 : status',
    replace: '? 400 : status',
    tests: systemOne,
  },
  {
    check: 68,
    file: 'src/apis/typesafe/errors.ts',
    find: '({ detail: message })',
    replace: '({ error: { message } }) as never',
    tests: systemOne,
  },
]
