import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PullProgress } from '../../src/api/pull-types.js'
import { Meter } from '../../src/hub/meter.js'
import { limitMsOf } from '../../src/hub/patience.js'
import { hubCache, hubSettings } from '../../src/hub/settings.js'

let home: string
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), 'sluice-home-'))
  writeFileSync(path.join(home, 'token'), 'hf_of_file\n')
})
afterAll(() => rmSync(home, { recursive: true }))

describe('the cache', () => {
  const usual = path.join(os.homedir(), '.cache/huggingface/hub')

  test.each([
    [{ HF_HUB_CACHE: '/a', HF_HOME: '/b' }, '/a'],
    [{ HUGGINGFACE_HUB_CACHE: '/a', HF_HOME: '/b' }, '/a'],
    [{ HF_HOME: '/b', XDG_CACHE_HOME: '/c' }, '/b/hub'],
    [{ XDG_CACHE_HOME: '/c' }, '/c/huggingface/hub'],
    [{ HF_HUB_CACHE: '~/d' }, path.join(os.homedir(), 'd')],
    [{ HF_HOME: '' }, usual],
    [{}, usual],
  ])('of %j is where its other tools have it', (environment, place) => {
    expect(hubCache(environment)).toBe(path.resolve(place))
  })
})

describe('the settings', () => {
  test('have the token of the environment, else of its file, else none', () => {
    expect(hubSettings({ HF_TOKEN: ' hf_own ', HF_HOME: home }).token).toBe('hf_own')
    expect(hubSettings({ HF_HOME: home }).token).toBe('hf_of_file')
    expect(hubSettings({ HF_TOKEN_PATH: path.join(home, 'token') }).token).toBe('hf_of_file')
    expect(hubSettings({ HF_HOME: path.join(home, 'none') }).token).toBeUndefined()
    expect(hubSettings({ HF_TOKEN: 'two\nlines', HF_HOME: home }).token).toBeUndefined()
  })

  test('have the endpoint without its slash, and refuse what is no address', () => {
    expect(hubSettings({ HF_ENDPOINT: 'http://mirror.example/hf/' }).endpoint).toBe(
      'http://mirror.example/hf',
    )
    expect(hubSettings({}).endpoint).toBe('https://huggingface.co')
    expect(() => hubSettings({ HF_ENDPOINT: 'mirror' })).toThrow(/HF_ENDPOINT.*'mirror'/)
  })

  test.each(['1', 'true', 'ON', 'yes'])('are offline with HF_HUB_OFFLINE=%s', (value) => {
    expect(hubSettings({ HF_HUB_OFFLINE: value }).isOffline).toBe(true)
  })

  test('are not offline with HF_HUB_OFFLINE=0', () => {
    expect(hubSettings({ HF_HUB_OFFLINE: '0' }).isOffline).toBe(false)
  })
})

describe('a limit', () => {
  test.each([
    [{ RateLimit: '"api";r=0;t=55' }, 56_000],
    [{ RateLimit: '"api";r=0;t=5', 'Retry-After': '90' }, 6000],
    [{ 'Retry-After': '7' }, 7000],
    [{ 'Retry-After': 'Sun, 29 Nov 2026 12:00:10 GMT' }, 10_000],
    [{ 'Retry-After': 'soon' }, null],
    [{}, null],
  ])('of %j is read', (headers, ms) => {
    const now = Date.parse('2026-11-29T12:00:00Z')
    expect(limitMsOf(new Headers(headers as Record<string, string>), now)).toBe(ms)
  })
})

describe('a meter', () => {
  test('tells the rate of the last seconds and what is left at it', () => {
    const told: PullProgress[] = []
    let now = 0
    const meter = new Meter(
      10_000,
      1000,
      (one) => told.push(one),
      () => now,
    )
    for (; now <= 2000; now += 200) meter.add('a', 200)
    expect(told.at(-1)).toMatchObject({ bytes: 3200, bytesPerSecond: 1000, secondsLeft: 6.8 })
    expect(meter.came).toBe(2200)
  })

  test('does not tell of each chunk', () => {
    const told: PullProgress[] = []
    const meter = new Meter(
      1000,
      0,
      (one) => told.push(one),
      () => 0,
    )
    for (let i = 0; i < 100; i++) meter.add('a', 10)
    expect(told).toHaveLength(2) // the first, and the end
  })
})
