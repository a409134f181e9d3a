import { postJson } from '../serve.js'
import type { Served } from './served.js'

/** What a server of a test is asked again and again; see `exactArgs` for why it is the same. */
const canary = { prompt: 'Once upon a time', temperature: 0, max_tokens: 24, seed: 1 }

/** The text of a request that is always the same, with `kvType: 'q8_0'`. */
export async function canaryText({ url }: Pick<Served, 'url'>, more: object = {}): Promise<string> {
  const response = await postJson(url, '/v1/completions', { ...canary, ...more })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`the canary got ${response.status}: ${body}`)
  return (JSON.parse(body) as { choices: [{ text: string }] }).choices[0].text
}

export async function gauge({ url }: Pick<Served, 'url'>, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line))
  if (lines.length === 0) throw new Error(`there is no ${name} at /metrics`)
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
