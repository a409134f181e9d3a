/** With SLUICE_TEST_ADDON every test of a file has that addon: see scripts/test-sanitizers.mjs. */
import { createRequire } from 'node:module'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeAddon } from '../../src/binding/native.js'

const file = process.env.SLUICE_TEST_ADDON
if (file !== undefined) {
  const addon = createRequire(import.meta.url)(file) as NativeAddon
  addon.loadBackends([])
  useBinding(addon)
}
