/** Every engine of a file's tests has a process of its own, the fakes a fake of one. */
import path from 'node:path'
import { binding, bindingPlace, useBinding } from '../../../src/binding/binding.js'
import type { NativeEngineOptions, NativeModelInfo } from '../../../src/binding/engine-port.js'
import { ChildPort } from '../../../src/isolation/child-port.js'
import { startsChild } from '../../../src/isolation/engine-process.js'
import { FakeAddon } from '../fake-binding.js'
import { overProcess } from './over-process.js'

const starts = startsChild(path.resolve('dist/isolation/child.cjs'))
const place = bindingPlace()

class RealChild extends ChildPort {
  constructor(options: NativeEngineOptions, wake: () => void) {
    const again = ({ context }: NativeModelInfo) => ({ ...options, context })
    super({ ...place, options, again, stallMs: 30_000, onCrash: () => undefined, starts }, wake)
  }
}

FakeAddon.portOf = overProcess
useBinding({ ...binding(), Engine: RealChild })
