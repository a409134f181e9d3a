import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { NativeWorkerOptions } from '../../src/binding/native.js'
import { serveFromProcess } from '../../src/workers/serving.js'
import { eventually } from '../support/eventually.js'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-serving-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** Serves with a program of the test's own, which finds `folder` as __dirname. */
function serving(name: string, source: string) {
  const program = path.join(folder, `${name}.cjs`)
  fs.writeFileSync(program, source)
  const stop = new AbortController()
  const deaths: string[] = []
  const message = { file: 'addon', folders: [], options: {} as NativeWorkerOptions }
  const onDeath = (words: string, retryMs: number) => {
    deaths.push(`${words}, ${retryMs} ms`)
    if (deaths.length === 2) stop.abort()
  }
  const served = serveFromProcess({ program, message, stop: stop.signal, onDeath })
  return { stop, deaths, served }
}

describe('the process that serves devices', () => {
  test('is told what to serve, and ended at once when it shall stop', async () => {
    const told = path.join(folder, 'told')
    const source = `process.on('SIGTERM', () => {})
      const { writeFileSync } = require('node:fs')
      process.on('message', ({ file }) => writeFileSync(${JSON.stringify(told)}, file))`
    const { stop, deaths, served } = serving('lives', source)
    await eventually(() => fs.existsSync(told) && fs.readFileSync(told, 'utf8') === 'addon')
    stop.abort()
    await served
    expect(deaths).toEqual([])
  })

  test('is started again where it dies: at once, then after a second', async () => {
    const { deaths, served } = serving('dies', "process.kill(process.pid, 'SIGKILL')")
    await served
    const death = 'was ended by SIGKILL (by hand, or by the system where memory ran out)'
    expect(deaths).toEqual([`${death}, 0 ms`, `${death}, 1000 ms`])
  })

  test('says what went wrong before it ended', async () => {
    const source = "process.send('no room', undefined, undefined, () => process.exit(1))"
    const { deaths, served } = serving('fails', source)
    await served
    expect(deaths[0]).toBe('failed: no room, 0 ms')
  })
})
