#!/usr/bin/env node
import { Command } from 'commander'
import { doctorFlags, runFlags, serveFlags } from '../config/command-flags.js'
import { settleFlags } from '../config/flags.js'
import { addFlags } from './add-flags.js'
import { packageVersion } from './package-root.js'
import { report } from './report.js'

// A command's own file is imported when it is called: `run` needs no HTTP, `--help` no engine.

const program = new Command('sluice')
  .description('llama.cpp inside Node: many conversations decoded in one batch, streamed.')
  .version(packageVersion(), '-v, --version')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'sluice: ')) })
  .showHelpAfterError('Run it with --help for what there is.')
  .exitOverride()

const run = program
  .command('run')
  .description('Answer one prompt on the terminal.')
  .argument('[prompt]', 'what to say; read from stdin if it is - or left out')
  .action(async (prompt: string | undefined, given: object) => {
    const flags = settleFlags(runFlags, { ...given }, process.env)
    const { runCommand } = await import('./run.js')
    process.exitCode = await runCommand(prompt, flags)
  })

const serve = program
  .command('serve')
  .description('Serve the OpenAI-compatible HTTP API.')
  .action(async (given: object) => {
    const flags = settleFlags(serveFlags, { ...given }, process.env)
    const { serveCommand } = await import('./serve.js')
    process.exitCode = await serveCommand(flags)
  })

const doctor = program
  .command('doctor')
  .description('Tell what this machine has, and what a model would need and get.')
  .argument('[model]', 'a GGUF file, or --model')
  .action(async (model: string | undefined, given: object) => {
    const flags = settleFlags(doctorFlags, { ...given }, process.env)
    const { doctorCommand } = await import('./doctor.js')
    process.exitCode = await doctorCommand(model, flags)
  })

program
  .command('build')
  .description('Compile the native binary from the source in this package.')
  .option('--cpu', 'compute on the processor alone')
  .option('--cuda', 'compute on NVIDIA GPUs')
  .option('--vulkan', 'compute on GPUs through Vulkan')
  .option('--metal', 'compute on Apple GPUs')
  .action(async (backends: object) => {
    const { buildCommand } = await import('./build.js')
    process.exitCode = await buildCommand(Object.keys(backends))
  })

addFlags(run, runFlags)
addFlags(serve, serveFlags)
addFlags(doctor, doctorFlags)

// Whoever reads may have enough, as `head` has. `run` has a listener of its own.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  const isOurs = process.stdout.listenerCount('error') === 1
  if (isOurs && error.code !== 'EPIPE') process.exitCode = report(error)
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
