// The addon that fails where SLUICE_TEST_FAULT says so: native/llama/test/failing. In the place of
// ours wherever that is required: dist's modules and the bundled command each do so themselves.
import { Module } from 'node:module'
import { fileURLToPath } from 'node:url'

const fileOf = (name) => fileURLToPath(new URL(`../../../build/Release/${name}`, import.meta.url))
const ours = fileOf('sluice.node')
const open = Module._extensions['.node']

Module._extensions['.node'] = (module, file) =>
  open(module, file === ours ? fileOf('failing/sluice.node') : file)
