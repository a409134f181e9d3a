#!/usr/bin/env node
import { Command } from 'commander'
import {
  chatFlags,
  doctorFlags,
  healthFlags,
  listFlags,
  pullFlags,
  removeFlags,
  runFlags,
  serveFlags,
  showFlags,
  workerFlags,
} from '../options/command-flags.js'
import { type Flags, type Settled, settleFlags } from '../options/flags.js'
import { nameOptionsBy } from '../options/spoken-names.js'
import { mindClosedPipes } from './closed-pipes.js'
import { colours } from './colours.js'
import { misspeltVariables } from './environment.js'
import { addFlags, helpLayout } from './flags/add-flags.js'
import { flagOf, inFlags } from './flags/flag-names.js'
import { packageVersion } from './package-root.js'
import { report } from './report.js'

// A command's own file is imported when it is called: `run` needs no HTTP, `--help` no engine.

mindClosedPipes()
nameOptionsBy(flagOf)

const program = new Command('sluice')
  .description('llama.cpp inside Node: many conversations decoded in one batch, streamed.')
  .version(packageVersion(), '-v, --version')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'sluice: ')) })
  .showHelpAfterError('Run it with --help for what there is.')
  .configureHelp(helpLayout)
  .exitOverride()

const run = program
  .command('run')
  .description('Answer one prompt on the terminal.')
  .argument('[prompt]', 'what to say; text on stdin comes before it, - is stdin alone')
  .action((prompt: string | undefined, given: object) =>
    perform(runFlags, given, async (flags) => {
      const { runCommand } = await import('./run.js')
      return runCommand(prompt, flags)
    }),
  )

const chat = program
  .command('chat')
  .description('Talk with a model on a terminal; run answers what a pipe says.')
  .argument('[model]', 'a GGUF file, hf:OWNER/REPO:QUANT, or --model')
  .action((model: string | undefined, given: object) =>
    perform(chatFlags, given, async (flags) => {
      const { chatCommand } = await import('./chat/command.js')
      return chatCommand(model, flags)
    }),
  )

const serve = program
  .command('serve')
  .description("Serve OpenAI's and Anthropic's HTTP APIs.")
  .action((given: object) =>
    perform(serveFlags, given, async (flags) => {
      const { serveCommand } = await import('./serve.js')
      return serveCommand(flags)
    }),
  )

const worker = program
  .command('worker')
  .description("Serve this machine's devices to engines elsewhere, in a trusted network.")
  .action((given: object) =>
    perform(workerFlags, given, async (flags) => {
      const { workerCommand } = await import('./worker.js')
      return workerCommand(flags)
    }),
  )

const health = program
  .command('health')
  .description('Ask a running server whether it serves requests; exits with 0 where it does.')
  .argument('[url]', 'where it is, else as --host and --port say')
  .action((url: string | undefined, given: object) =>
    perform(healthFlags, given, async (flags) => {
      const { healthCommand } = await import('./health.js')
      return healthCommand(url, flags)
    }),
  )

const doctor = program
  .command('doctor')
  .description('Tell what this machine has, and what a model would need and get.')
  .argument('[model]', 'a GGUF file, or --model')
  .action((model: string | undefined, given: object) =>
    perform(doctorFlags, given, async (flags) => {
      const { doctorCommand } = await import('./doctor.js')
      return doctorCommand(model, flags)
    }),
  )

const pull = program
  .command('pull')
  .description('Download a model from the Hugging Face Hub, and print its path.')
  .argument('<model>', 'hf:OWNER/REPO:QUANT or hf:OWNER/REPO/FILE.gguf')
  .action((model: string, given: object) =>
    perform(pullFlags, given, async () => {
      const { pullCommand } = await import('./models/pull.js')
      return pullCommand(model)
    }),
  )

const list = program
  .command('list')
  .description("List the models in the Hub's cache.")
  .action((given: object) =>
    perform(listFlags, given, async (flags) => {
      const { listCommand } = await import('./models/list.js')
      return listCommand(flags)
    }),
  )

const show = program
  .command('show')
  .description('Tell what a model is, what its template can, and the memory that it needs.')
  .argument('<model>', 'a GGUF file, or hf:OWNER/REPO:QUANT of the cache')
  .action((model: string, given: object) =>
    perform(showFlags, given, async (flags) => {
      const { showCommand } = await import('./models/show.js')
      return showCommand(model, flags)
    }),
  )

const remove = program
  .command('rm')
  .description("Take a model out of the Hub's cache.")
  .argument('<model>', 'hf:OWNER/REPO:QUANT, as list tells it')
  .action((model: string, given: object) =>
    perform(removeFlags, given, async (flags) => {
      const { removeCommand } = await import('./models/remove.js')
      return removeCommand(model, flags)
    }),
  )

program
  .command('build')
  .description('Compile the native binary from the source in this package.')
  .option('--cpu', 'compute on the processor alone')
  .option('--cuda', 'compute on NVIDIA GPUs')
  .option('--vulkan', 'compute on GPUs through Vulkan')
  .option('--metal', 'compute on Apple GPUs')
  .action(async (backends: object) => {
    const { buildCommand } = await import('./build.js')
    const code = await buildCommand(Object.keys(backends))
    process.exitCode ||= code
  })

addFlags(run, runFlags, [
  'sluice run "Tell me a story about a fox"',
  'cat notes.txt | sluice run "Sum this up" --model model.gguf',
  'sluice run "Who is it about?" --file notes.txt --schema who.json --json',
])
addFlags(chat, chatFlags, [
  'sluice chat',
  'sluice chat model.gguf --system "You speak like a pirate."',
  'sluice chat model.gguf --context 16384 --temperature 0.7',
])
addFlags(serve, serveFlags, [
  'sluice serve --model model.gguf --alias my-model',
  'sluice serve --model model.gguf --parallel 8 --context 4096 --max-tokens 1000',
  'sluice serve --host 0.0.0.0 --api-key-file keys.txt --log-format json',
])
addFlags(worker, workerFlags, [
  'sluice worker',
  'sluice worker --host 10.0.0.2 --trusted-network --weights-dir weights',
])
addFlags(health, healthFlags, [
  'sluice health',
  'sluice health https://llm.example.com --timeout-ms 2000',
])
addFlags(doctor, doctorFlags, [
  'sluice doctor',
  'sluice doctor model.gguf --context 8192 --parallel 8',
])

addFlags(pull, pullFlags, ['sluice pull hf:OWNER/REPO:Q8_0', 'sluice pull hf:OWNER/REPO'])
addFlags(list, listFlags, ['sluice list', 'sluice list --json'])
addFlags(show, showFlags, [
  'sluice show model.gguf',
  'sluice show model.gguf --context 8192 --parallel 8',
])
addFlags(remove, removeFlags, ['sluice rm hf:OWNER/REPO:Q8_0', 'sluice rm hf:OWNER/REPO --all'])

void main() // not awaited here: the bundle is CommonJS, which knows no await outside of a function

/** As Node ends where what an ES module awaits never comes. */
const unsettled = 13

async function main(): Promise<void> {
  let isSettled = false
  process.once('exit', () => {
    if (!isSettled) process.exitCode ||= unsettled
  })
  try {
    await program.parseAsync()
  } catch (error) {
    const code = report(error)
    process.exitCode ||= code // that its output could not be written may have been told already
  }
  isSettled = true
  // To a worker of node:cluster (pm2's are) its primary's channel is no reason to stay.
  process.channel?.unref()
}

/** Settles a command's flags and calls it. Errors of options name its flags. */
async function perform<F extends Flags>(
  flags: F,
  given: object,
  command: (settled: Settled<F>) => Promise<number>,
): Promise<void> {
  for (const warning of misspeltVariables(process.env)) {
    process.stderr.write(`${colours.yellow('sluice:')} warning: ${warning}\n`)
  }
  const settled = settleFlags(flags, { ...given }, process.env)
  try {
    const code = await command(settled)
    process.exitCode ||= code // that its output could not be written may have been told already
  } catch (error) {
    throw inFlags(error, flags)
  }
}
