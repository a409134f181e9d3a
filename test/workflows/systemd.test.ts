import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { serveFlags } from '../../src/options/command-flags.js'
import { environmentName, settleFlags } from '../../src/options/flags.js'

const unit = readFileSync(new URL('../../deploy/systemd/sluice.service', import.meta.url), 'utf8')
const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

/** Of the unit, though what it starts is not here. */
function analyzed(...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-unit-'))
  const file = join(folder, 'sluice.service')
  writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
  const { status, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return [status, stderr]
}

describe.skipIf(!hasSystemd)('systemd-analyze (where there is one)', () => {
  test('takes the unit', () => {
    expect(analyzed('verify')).toEqual([0, ''])
  })

  test('finds no more exposed than 2 of 10', () => {
    expect(analyzed('security', '--offline=true', '--threshold=20')).toEqual([0, ''])
  })
})

test('its variables are those of serve, and its times are longer than what they wait for', () => {
  const given = [...unit.matchAll(/^Environment=(SLUICE_\w+)=(.*)$/gm)]
  const known = Object.keys(serveFlags).map(environmentName)
  for (const [, name = ''] of given) expect(known).toContain(name)
  const environment = Object.fromEntries(given.map(([, name, value]) => [name, value]))
  const { drainMs, engineStallMs } = settleFlags(serveFlags, {}, environment)
  expect(Number(settingOf('TimeoutStopSec')) * 1000).toBeGreaterThan(drainMs + 5000)
  expect(Number(settingOf('WatchdogSec')) * 1000).toBeGreaterThan(engineStallMs)
  expect([settingOf('Type'), settingOf('NotifyAccess')]).toEqual(['notify', 'main'])
})
