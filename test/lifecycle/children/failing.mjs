// The addon that fails where SLUICE_TEST_FAULT says so: native/llama/test/failing.
import { createRequire } from 'node:module'
import { useBinding } from '../../../dist/binding/binding.js'

const require = createRequire(import.meta.url)
useBinding(require('../../../build/Release/failing/sluice.node'))
