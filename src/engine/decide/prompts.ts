import type { DecisionQuestion } from '../../api/decision-types.js'
import type { NativeChat } from '../../binding/engine-port.js'
import type { Label, Labels } from './labels.js'

/** A question as the model is asked it, once. */
export interface Asked {
  /** Stands between the state and the text: the same for all questions of a kind. May be empty. */
  readonly introduction: string
  /** What follows them; may be empty. */
  readonly text: string
  /** The label of each option, in the order of the question's. */
  readonly labels: readonly Label[]
  /** What the answer begins with, where its labels go on with that. */
  readonly begins?: string | undefined
}

type Bare = Omit<Asked, 'introduction'>

/** Of an option, as the model is shown it. */
interface Shown {
  readonly name: string
  readonly description?: string | undefined
}

/**
 * Stands behind the state, before each question, so that it is computed with the state. It says
 * for all kinds of questions how to answer.
 */
const introduction =
  'Answer the question about the text above. Say only yes or no, or the label of the one option ' +
  'that is right, and nothing else.\n\nQuestion: '

/**
 * The ways in which a question is asked: one, or with its options in two orders. The caller's
 * order of a question's choices makes no difference to them, only that of levels does.
 * @throws InvalidRequestError where the vocabulary has too few labels
 */
export function waysToAsk(
  question: DecisionQuestion,
  labels: Labels,
  orders: 1 | 2,
  at: string,
): Asked[] {
  return waysOf(question, labels, orders, at).map((asked) => {
    return { ...asked, introduction }
  })
}

function waysOf(question: DecisionQuestion, labels: Labels, orders: 1 | 2, at: string): Bare[] {
  switch (question.type) {
    case 'predicate':
      return predicate(question.instructions, labels, orders, at)
    case 'choice': {
      const shown = question.choices.map(shownChoice)
      const sorted = placesInOrder(shown)
      const asked = question.instructions ?? 'Which one fits best?'
      return withOptions(asked, shown, sorted, labels, orders, `${at}.choices`)
    }
    case 'score': {
      const shown = question.levels.map((level) => {
        return typeof level === 'string'
          ? { name: level }
          : { name: level.label, description: level.description }
      })
      const asked = question.instructions ?? 'Which level fits best?'
      return withOptions(asked, shown, [...shown.keys()], labels, orders, `${at}.levels`)
    }
  }
}

function predicate(instructions: string, labels: Labels, orders: 1 | 2, at: string): Bare[] {
  const yesAndNo = labels.yesAndNo()
  if (yesAndNo !== undefined) return [{ text: instructions, labels: yesAndNo }]
  return withOptions(instructions, [{ name: 'yes' }, { name: 'no' }], [0, 1], labels, orders, at)
}

function shownChoice(
  choice: string | boolean | { value: string | boolean; description?: string },
): Shown {
  if (typeof choice !== 'object') return { name: String(choice) }
  return { name: String(choice.value), description: choice.description }
}

/** By name: the same for the same options, in whatever order they were given. */
function placesInOrder(shown: readonly Shown[]): number[] {
  const keys = shown.map(({ name, description = '' }) => `${name}\0${description}`)
  return [...shown.keys()].sort((a, b) => {
    const [left = '', right = ''] = [keys[a], keys[b]]
    return left < right ? -1 : left > right ? 1 : a - b
  })
}

function withOptions(
  instructions: string,
  shown: readonly Shown[],
  places: readonly number[],
  labels: Labels,
  orders: 1 | 2,
  at: string,
): Bare[] {
  const chosen = labels.ofOptions(shown.length, at)
  const inOrder = (order: readonly number[]): Bare => {
    const lines = order.map((place, i) => {
      const { name, description } = shown[place] as Shown
      const behind = description === undefined ? '' : ` (${description})`
      return `${chosen[i]?.text}: ${name}${behind}`
    })
    const byPlace: Label[] = []
    for (const [i, place] of order.entries()) byPlace[place] = chosen[i] as Label
    return { text: [instructions, ...lines].join('\n'), labels: byPlace }
  }
  const isTwice = orders === 2 && shown.length > 1
  return isTwice ? [inOrder(places), inOrder([...places].reverse())] : [inOrder(places)]
}

/** The conversation with a question behind its state, and the beginning of its answer. */
export function chatWith(
  state: NativeChat,
  { introduction, text, begins }: Omit<Asked, 'labels'>,
): NativeChat {
  const asked = introduction + text
  const chat = asked === '' ? state : withQuestion(state, asked)
  if (begins === undefined) return chat
  return { ...chat, messages: [...chat.messages, saidBy('assistant', begins)], continues: true }
}

function withQuestion(state: NativeChat, asked: string): NativeChat {
  const last = state.messages.at(-1)
  if (last?.role !== 'user') {
    return { ...state, messages: [...state.messages, saidBy('user', asked)] }
  }
  const content = last.content === '' ? asked : `${last.content}\n\n${asked}`
  return { ...state, messages: [...state.messages.slice(0, -1), { ...last, content }] }
}

function saidBy(role: string, content: string): NativeChat['messages'][number] {
  return { role, content, reasoning: '', name: '', toolCallId: '', toolCalls: [] }
}
