import { type NumberRange, samplingRows } from '../api/sampling-options.js'
import { el } from './dom.js'
import { keep, keptJson } from './storage.js'

const name = 'sluice-settings'

interface Control {
  readonly field: string
  readonly label: string
  readonly hint: string
  readonly range: NumberRange
  readonly step: string
  /** What the server does without it, by the name that /props has for it. */
  readonly neutral?: number
}

const { temperature, topP, topK, minP, repeatPenalty } = samplingRows
const { presencePenalty, frequencyPenalty } = samplingRows
const whole = (from: number, to: number) => ({ from, to, isWhole: true }) as const

const controls: readonly Control[] = [
  sampling('temperature', 'Temperature', '0 always takes the likeliest token', temperature, 0.05),
  sampling('top_p', 'Top p', 'the likeliest tokens that sum up to it', topP, 0.01),
  sampling('top_k', 'Top k', 'so many of the likeliest tokens; 0 is all', topK, 1),
  sampling('min_p', 'Min p', 'tokens so likely, beside the likeliest', minP, 0.01),
  sampling(
    'repeat_penalty',
    'Repeat penalty',
    'above 1 discourages repetition',
    repeatPenalty,
    0.05,
  ),
  sampling(
    'presence_penalty',
    'Presence penalty',
    'against what was said at all',
    presencePenalty,
    0.1,
  ),
  sampling(
    'frequency_penalty',
    'Frequency penalty',
    'against what was said often',
    frequencyPenalty,
    0.1,
  ),
  {
    field: 'max_tokens',
    label: 'Longest reply',
    hint: 'in tokens; empty is until the context is full',
    range: whole(1, 2 ** 31 - 1),
    step: '1',
  },
  {
    field: 'seed',
    label: 'Seed',
    hint: 'the same one repeats a reply; empty is another each time',
    range: whole(0, Number.MAX_SAFE_INTEGER),
    step: '1',
  },
]

function sampling(
  field: string,
  label: string,
  hint: string,
  row: { readonly range: NumberRange; readonly neutral: number },
  step: number,
): Control {
  return { field, label, hint, range: row.range, neutral: row.neutral, step: `${step}` }
}

interface Kept {
  system: string
  thinking: string
  fields: Record<string, string>
}

/** The panel of what a request asks for beside its messages. What is left empty is not sent. */
export class Settings {
  readonly #system = el('textarea', { attributes: { id: 'system', rows: '4' } })
  readonly #thinking = el('select', { attributes: { id: 'thinking' } })
  readonly #thinkingRow = el('div', { class: 'field', hidden: true })
  readonly #inputs = new Map<string, HTMLInputElement>()

  constructor(panel: HTMLElement) {
    const kept = keptSettings()
    this.#system.value = kept.system
    this.#system.placeholder = 'What the model is to be, and how it is to answer'
    this.#makeThinking(kept.thinking)
    const rows = controls.map((control) => this.#row(control, kept.fields[control.field] ?? ''))
    panel.append(
      el('h2', { text: 'Settings' }),
      el(
        'div',
        { class: 'field' },
        el('label', { text: 'System prompt', attributes: { for: 'system' } }),
        this.#system,
      ),
      this.#thinkingRow,
      el('h3', { text: 'Sampling' }),
      el('p', { class: 'note', text: 'What is left empty is as the model or the server has it.' }),
      el('div', { class: 'grid' }, ...rows),
      el('p', {
        class: 'note',
        text: 'Settings, the conversation and the key are kept in this tab, and go with it.',
      }),
    )
    panel.addEventListener('input', () => this.#save())
  }

  get system(): string {
    return this.#system.value
  }

  /** The fields of a request. What is out of its range is not sent, and says so where it stands. */
  request(): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    for (const [field, input] of this.#inputs) {
      if (input.value !== '' && isInRange(input)) fields[field] = input.valueAsNumber
    }
    const isShown = !this.#thinkingRow.hidden
    if (isShown && this.#thinking.value !== '') {
      fields.chat_template_kwargs = { enable_thinking: this.#thinking.value === 'on' }
    }
    return fields
  }

  /** Of the model that is chosen now. */
  show(limits: {
    readonly context: number | undefined
    readonly canThink: boolean
    readonly defaults: Readonly<Record<string, unknown>>
  }): void {
    this.#thinkingRow.hidden = !limits.canThink
    for (const { field, neutral } of controls) {
      const input = this.#inputs.get(field)
      if (input === undefined) continue
      const usual = field === 'seed' || field === 'max_tokens' ? undefined : limits.defaults[field]
      input.placeholder = placeholderOf(usual ?? neutral)
      if (field === 'max_tokens' && limits.context !== undefined) input.max = `${limits.context}`
    }
  }

  #makeThinking(value: string): void {
    const choices = [
      ['', 'as the model does'],
      ['on', 'on'],
      ['off', 'off'],
    ]
    for (const [key = '', text = ''] of choices) {
      this.#thinking.append(el('option', { text, attributes: { value: key } }))
    }
    this.#thinking.value = value
    const label = el('label', { text: 'Thinking', attributes: { for: 'thinking' } })
    this.#thinkingRow.append(label, this.#thinking)
  }

  #row({ field, label, hint, range, step, neutral }: Control, value: string): HTMLElement {
    const id = `setting-${field}`
    const input = el('input', {
      attributes: {
        id,
        type: 'number',
        step,
        inputmode: 'decimal',
        'aria-describedby': `${id}-hint`,
      },
    })
    input.min = `${'from' in range ? range.from : range.above}`
    input.max = `${range.to}`
    input.addEventListener('input', () => {
      input.setAttribute('aria-invalid', `${!isInRange(input)}`)
    })
    input.placeholder = placeholderOf(neutral)
    input.value = value
    this.#inputs.set(field, input)
    return el(
      'div',
      { class: 'field' },
      el('label', { text: label, attributes: { for: id } }),
      input,
      el('p', { class: 'note', text: hint, attributes: { id: `${id}-hint` } }),
    )
  }

  #save(): void {
    const fields = Object.fromEntries([...this.#inputs].map(([key, { value }]) => [key, value]))
    const all: Kept = { system: this.#system.value, thinking: this.#thinking.value, fields }
    keep(name, JSON.stringify(all))
  }
}

/** Steps are those of the arrow keys: of a number that is whole by its nature there is no other. */
function isInRange({ validity, step, valueAsNumber }: HTMLInputElement): boolean {
  const { badInput, rangeUnderflow, rangeOverflow } = validity
  const isWhole = step !== '1' || Number.isInteger(valueAsNumber) || Number.isNaN(valueAsNumber)
  return isWhole && !badInput && !rangeUnderflow && !rangeOverflow
}

function placeholderOf(value: unknown): string {
  return typeof value === 'number' ? `${Math.round(value * 1000) / 1000}` : ''
}

function keptSettings(): Kept {
  const { system, thinking, fields } = (keptJson(name) ?? {}) as Partial<Kept>
  return { system: system ?? '', thinking: thinking ?? '', fields: fields ?? {} }
}
