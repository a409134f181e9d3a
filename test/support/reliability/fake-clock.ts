import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

// libfaketime of Debian (apt install faketime): a process that is started with it sees another
// wall clock, which can be set while it runs. Its monotonic clock stays the system's.

const places = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
)
const library = places.find((place) => fs.existsSync(place))

export const hasFakeClock = library !== undefined

/** The wall clock of a server. Owned by the test that made it: end() removes its file. */
export class FakeClock {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-clock-'))
  readonly #file = path.join(this.#folder, 'time')

  constructor() {
    this.set('+0')
  }

  /** For the process that it is to be the clock of, and those that it starts. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: library as string,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1', // the name before 0.9.9
      NO_FAKE_STAT: '1',
    }
  }

  /** `+1d`, `-1h`, or `@2040-01-01 00:00:00`, from which it goes on. */
  set(time: string): void {
    // Renamed: a reader never finds half of it.
    const next = `${this.#file}.next`
    fs.writeFileSync(next, `${time}\n`)
    fs.renameSync(next, this.#file)
  }

  end(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}
