import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isSupported } from '../../scripts/prepare.mjs'

test.each([
  ['18.20.8', false],
  ['20.18.3', false],
  ['20.19.0', true],
  ['21.7.3', false],
  ['22.11.0', false],
  ['22.12.0', true],
  ['23.0.0', true],
  ['26.10.0', true],
])('Node %s is new enough: %s', (version, expected) => {
  expect(isSupported(version)).toBe(expected)
})

test('package.json asks for the Node that the scripts ask for', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(engines.node).toBe('^20.19.0 || >=22.12.0')
})
