import { describe, expect, test } from 'vitest'
import { samplingNames, samplingRows } from '../../../src/api/sampling-options.js'
import { ChatSettings } from '../../../src/cli/chat/settings.js'

const neutral = Object.fromEntries(samplingNames.map((name) => [name, samplingRows[name].neutral]))
const engine = {
  sampling: { ...neutral, temperature: 0.7, seed: null } as never,
  reasoningBudget: -1,
  lora: [],
}
const open = (given = {}) => new ChatSettings(engine, { thinking: 'on', ...given })

describe('the settings of a chat', () => {
  test('are those of the command line, until they are set', () => {
    const settings = open({ maxTokens: 100, thinking: 'off' })
    expect(settings.options).toEqual({ maxTokens: 100, reasoning: { enabled: false } })
    expect(settings.shown('temperature')).toBe('temperature 0.7')
    settings.set('temperature', '0.2')
    settings.set('max-tokens', '50')
    settings.set('thinking', 'on')
    settings.set('reasoning-budget', '8')
    settings.set('seed', '3')
    const reasoning = { enabled: true, budget: 8 }
    expect(settings.options).toEqual({ temperature: 0.2, maxTokens: 50, seed: 3, reasoning })
    expect(settings.shown('temperature')).toBe('temperature 0.2  (set here)')
    for (const name of ['temperature', 'max-tokens', 'thinking', 'reasoning-budget', 'seed']) {
      settings.set(name, 'default')
    }
    expect(settings.options).toEqual({ maxTokens: 100, reasoning: { enabled: false } })
  })

  test.each(samplingNames)(
    'have the sampling option %s, by the name that its flag would have',
    (name) => {
      const settings = open()
      const dashed = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      const { to } = samplingRows[name].range
      settings.set(dashed, String(to))
      expect(settings.options).toMatchObject({ [name]: to })
      expect(() => settings.set(dashed, 'much')).toThrow(`'${dashed}': expected a`)
      expect(settings.options).toMatchObject({ [name]: to })
    },
  )

  test('are listed, with what is set among them', () => {
    const settings = open()
    settings.set('--top-k', '40')
    expect(settings.all).toContain('top-k 40  (set here)')
    expect(settings.all).toContain('temperature 0.7')
    expect(settings.all).toContain('seed another for each reply')
    expect(settings.all).toHaveLength(samplingNames.length + 4)
  })

  test('know the name that was meant by a misspelt one', () => {
    const settings = open()
    expect(() => settings.set('temprature', '1')).toThrow(/is no setting; did you mean temperature/)
    expect(() => settings.shown('colour')).toThrow(/is no setting; \/set alone lists them/)
  })
})
