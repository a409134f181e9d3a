import type { NativeDevice, NativeEngineOptions } from '../../src/binding/engine-port.js'
import type { NativeAddon, NativeBackend } from '../../src/binding/native.js'
import { FakeEngine, type FakeOptions } from './fake-engine.js'

export {
  FakeEngine,
  type FakeFailure,
  type FakeOptions,
  type FakePart,
  type Script,
} from './fake-engine.js'

const fakeCpu: NativeDevice = {
  name: 'CPU',
  description: 'A processor',
  backend: 'cpu',
  kind: 'cpu',
  totalBytes: 2 ** 34,
  freeBytes: 2 ** 33,
}

/** Stands in for the addon: no C++, no model, and it does what the test says when it says so. */
export class FakeAddon implements NativeAddon {
  /** What stands between a fake engine and its client: see channel-addon.ts. Default: nothing. */
  static portOf = (Engine: NativeAddon['Engine']): NativeAddon['Engine'] => Engine

  readonly llamaCppVersion = '0.0.0-fake'
  readonly rpcVersion = '7.0.0'
  /** What the machine seems to have. */
  deviceList: NativeDevice[] = [fakeCpu]
  backendList: NativeBackend[] = [{ name: 'cpu', path: '', loaded: true, reason: '' }]
  readonly engines: FakeEngine[] = []
  readonly sendBuffers: { fd: number; bytes: number }[] = []
  readonly Engine: NativeAddon['Engine']
  /** Set to have setSendBuffer throw. */
  sendBufferError: Error | undefined

  constructor(options: FakeOptions = {}) {
    const { engines } = this
    const Engine = class extends FakeEngine {
      constructor(engineOptions: NativeEngineOptions, wake: () => void) {
        super(engineOptions, wake, options)
        engines.push(this)
      }
    }
    this.Engine = FakeAddon.portOf(Engine)
  }

  loadBackends(): void {
    throw new Error('backends are loaded by binding(), whose place this takes')
  }

  backends(): NativeBackend[] {
    return this.backendList
  }

  devices(startsGpus: boolean): NativeDevice[] {
    const untouched = { totalBytes: 0, freeBytes: 0 }
    return this.deviceList.map((one) =>
      startsGpus || one.kind === 'cpu' ? one : { ...one, ...untouched },
    )
  }

  cpuFeatures(): Record<string, string> {
    return { AVX2: '1', AVX512: '0' }
  }

  /** What a service manager was told, in order. */
  readonly datagrams: string[] = []

  sendDatagram(path: string, text: string): void {
    this.datagrams.push(`${path}: ${text}`)
  }

  setSendBuffer(fd: number, bytes: number): void {
    if (this.sendBufferError !== undefined) throw this.sendBufferError
    this.sendBuffers.push({ fd, bytes })
  }

  /** Milliseconds that connections were given to hear of their peer, in order. */
  readonly userTimeouts: number[] = []

  setUserTimeout(_fd: number, ms: number): void {
    this.userTimeouts.push(ms)
  }

  serveDevices(): Promise<never> {
    throw new Error('devices are served by a process of its own, which has the real one')
  }

  /** Nobody else has any. */
  lockFile: NativeAddon['lockFile'] = () => () => undefined

  /** The engine that was made last. */
  get engine(): FakeEngine {
    const engine = this.engines.at(-1)
    if (engine === undefined) throw new Error('no engine was made yet')
    return engine
  }
}
