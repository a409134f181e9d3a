/** Every engine of a file's tests, fake or real, is at the other end of a channel. */
import { binding, useBinding } from '../../src/binding/binding.js'
import { overChannel } from './channel-port.js'
import { FakeAddon } from './fake-binding.js'

FakeAddon.portOf = overChannel
const addon = binding()
useBinding({ ...addon, Engine: overChannel(addon.Engine) })
