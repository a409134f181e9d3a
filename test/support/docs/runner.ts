import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import ts from 'typescript'
import type { CliResult, RunningCli } from '../cli.js'
import { encoderModel } from '../models/encoder-model.js'
import { nodeUnderTest, packageUnderTest, projectWith } from '../packages/package-under-test.js'
import { freePort, startProgram } from '../program.js'
import type { Block } from './blocks.js'

// Runs the programs of the docs as they stand, in a project of their own. Three things are put in
// the place of what a reader has: a small model for each file that is named, a free port for 8080,
// and an `engine` where a fragment goes on with that of the page's first example.

/** Of examples, and of Ollama. */
const docsPort = /\b(?:8080|11434)\b/g
const modelFile = /[\w./-]+\.gguf\b/g
const serves = /\bsluice serve\b|\.listen\(|\bserve\(\{/
const storyteller = 'models/storyteller.gguf'
/** Its vectors are long enough for the `dimensions` that the docs ask for. */
const encoder = () => encoderModel({ embedding: 256 })
const reranker = () => encoderModel({ pooling: 4 })
const serverMsMax = 45_000

export class DocsProject {
  readonly folder = projectWith(packageUnderTest)
  readonly #shared = new Map<string, { program: RunningCli; port: number }>()
  #count = 0

  constructor() {
    const modules = path.join(this.folder, 'node_modules')
    for (const name of [
      'openai',
      'openai-7',
      'ai',
      '@ai-sdk',
      '@anthropic-ai',
      '@langchain',
      'zod',
      'pino',
      'hono',
      '@hono',
    ]) {
      const target = path.resolve('node_modules', name)
      const place = path.join(modules, name)
      if (existsSync(target) && !existsSync(place)) symlinkSync(target, place, 'junction')
    }
    mkdirSync(path.join(modules, '.bin'))
    const main = path.join(packageUnderTest, 'dist/cli/main.cjs')
    const script = `#!/bin/sh\nexec '${nodeUnderTest}' '${main}' "$@"\n`
    writeFileSync(path.join(modules, '.bin/sluice'), script, { mode: 0o755 })
    // A status that is an error ends curl with one too.
    writeFileSync(path.join(this.folder, '.curlrc'), 'silent\nshow-error\nfail-with-body\n')
  }

  /** A server for the examples of clients, on a port of its own, started with the first of them. */
  async sharedPort(model: string): Promise<number> {
    const there = this.#shared.get(model)
    if (there !== undefined) return there.port
    const port = await freePort()
    const main = path.join(packageUnderTest, 'dist/cli/main.cjs')
    const more = ['--alias', 'my-model', '--response-store', '100']
    const args = [main, 'serve', '--model', path.resolve(model), ...more]
    const env = { SLUICE_PORT: String(port), SLUICE_LOG_LEVEL: 'error' }
    const program = startProgram(nodeUnderTest, args, { env, cwd: this.folder, outlives: true })
    this.#shared.set(model, { program, port })
    await until(() => isLoaded(port), program)
    return port
  }

  async close(): Promise<void> {
    for (const { program } of this.#shared.values()) {
      program.child.kill('SIGTERM')
      await program.result
    }
  }

  /** Runs a block to its end; a server until it answers, and ends by SIGTERM. */
  async run(block: Block): Promise<CliResult> {
    if (serves.test(block.code)) return this.serve(block)
    const asks = /(127\.0\.0\.1|localhost):(8080|11434)/.test(block.code)
    const model = /embeddings/.test(block.code) ? encoder() : storyteller
    return this.#start(block, asks ? await this.sharedPort(model) : await freePort()).result
  }

  /** Runs a server while something is done with it. */
  async serve(block: Block, use?: (origin: string) => Promise<void>): Promise<CliResult> {
    const port = await freePort()
    const program = this.#start(block, port)
    await until(() => answers(port), program)
    await use?.(`http://127.0.0.1:${port}/`)
    program.child.kill('SIGTERM')
    const result = await program.result
    // A fragment may leave it to the signal itself to end the process.
    const isEnded = result.code === null && !block.code.includes('SIGTERM')
    return isEnded ? { ...result, code: 0 } : result
  }

  #start(block: Block, port: number): RunningCli {
    this.#bringFiles(block.code)
    const code = block.code.replaceAll(docsPort, String(port))
    return block.language === 'sh' ? this.#shell(code, port) : this.#script(block, code)
  }

  #shell(code: string, port: number): RunningCli {
    // A signal for `npx` would end npx alone.
    const script = serves.test(code) ? code.replace(/npx sluice/, 'exec sluice') : code
    const bin = path.join(this.folder, 'node_modules/.bin')
    const env = {
      PATH: [bin, path.dirname(nodeUnderTest), process.env.PATH].join(path.delimiter),
      SLUICE_PORT: String(port),
      CURL_HOME: this.folder,
      npm_config_offline: 'true',
    }
    return startProgram('bash', ['-euo', 'pipefail', '-c', script], { env, cwd: this.folder })
  }

  #script(block: Block, code: string): RunningCli {
    const isCommonJs = block.language === 'cjs' || /\brequire\('sluice/.test(code)
    const name = `example-${++this.#count}.${isCommonJs ? 'cjs' : 'mjs'}`
    const whole = withNewestClient(withEngine(code))
    // Node 20 and 22 have no `await using` of their own.
    const isNewer = ['ts', 'mts'].includes(block.language) || /\bawait using\b/.test(code)
    const plain = isNewer ? withoutTypes(whole) : whole
    writeFileSync(path.join(this.folder, name), plain)
    return startProgram(nodeUnderTest, [name], { cwd: this.folder })
  }

  /** A small model for each that is named, and the files that examples read. */
  #bringFiles(code: string): void {
    for (const [name] of code.matchAll(modelFile)) {
      const place = path.join(this.folder, name)
      if (name.startsWith('sluice/') || existsSync(place)) continue
      mkdirSync(path.dirname(place), { recursive: true })
      cpSync(modelFor(name), place)
    }
    const keys = path.join(this.folder, 'keys.txt')
    if (!existsSync(keys)) writeFileSync(keys, 'a-key-of-the-docs\n')
  }
}

function modelFor(name: string): string {
  if (/rerank/.test(name)) return reranker()
  return /embed|bge|nomic/.test(name) ? encoder() : storyteller
}

/** Decisions came with release 7 of OpenAI's client. */
function withNewestClient(code: string): string {
  return /\.decisions\./.test(code) ? code.replace("from 'openai'", "from 'openai-7'") : code
}

/** The engine, and the conversation, that a fragment takes for granted. */
function withEngine(code: string): string {
  const takes = (name: string) => {
    const isDeclared = new RegExp(`\\b(const|let|using|function) \\{?[^=\\n]*\\b${name}\\b`)
    return new RegExp(`\\b${name}\\b`).test(code) && !isDeclared.test(code)
  }
  const messages = `const messages = [{ role: 'user', content: 'Tell me a story' }]\n`
  const head = takes('messages') ? messages : ''
  if (!/\bengine\./.test(code) || !takes('engine')) return `${head}${code}`
  const model = JSON.stringify(path.resolve(storyteller))
  return [
    `import { load as loadForTheDocs } from 'sluice'`,
    `const engine = await loadForTheDocs({ model: ${model} })`,
    `${head}${code}await engine.close()\n`,
  ].join('\n')
}

function withoutTypes(code: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(code, { compilerOptions }).outputText
}

/** Waits until it holds, or the program has ended without. */
async function until(holds: () => Promise<boolean>, program: RunningCli): Promise<void> {
  let ended: CliResult | undefined
  program.result.then((result) => {
    ended = result
  })
  const deadline = performance.now() + serverMsMax
  // Where a connection is refused, or ends without an answer, the server is not there yet.
  while (!(await holds().catch(() => false))) {
    if (ended !== undefined) throw new Error(`it ended with ${ended.code}: ${ended.stderr}`)
    if (performance.now() > deadline) throw new Error(`it does not answer: ${program.stdout}`)
    await sleep(20)
  }
}

/** It takes connections. What a program of the docs does with a request is its reader's to see. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })
}

async function isLoaded(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/health`, { headers: { Connection: 'close' } })).ok
}

/** Type errors of TypeScript blocks, as a project that depends on the package sees them. */
export function typeErrors(blocks: readonly Block[]): string[] {
  const texts = new Map(
    blocks.map((block, i) => [path.resolve(`docs-block-${i}.mts`), block.code] as const),
  )
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    paths: {
      sluice: ['./dist/index.d.ts'],
      'sluice/ai-sdk': ['./dist/ai-sdk/index.d.ts'],
      'sluice/http': ['./dist/http/index.d.ts'],
      'sluice/langchain': ['./dist/langchain/index.d.ts'],
    },
  }
  const host = ts.createCompilerHost(options)
  const has = host.fileExists.bind(host)
  const read = host.readFile.bind(host)
  host.fileExists = (name) => texts.has(path.resolve(name)) || has(name)
  host.readFile = (name) => texts.get(path.resolve(name)) ?? read(name)
  const program = ts.createProgram([...texts.keys()], options, host)
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
}

/** Whether a block prints something where it is right. */
export function prints({ code }: Block): boolean {
  return /console\.log|stdout\.write|\bcurl\b|sluice (run|doctor)/.test(code) && !serves.test(code)
}

/** What stderr has where something went wrong without an exit code. */
export const fault = /Error\b|^sluice: /m
