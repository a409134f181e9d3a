/**
 * Conversations as clients send them, in shapes that some chat templates refuse or print only in
 * part. Of each the words that the prompt must hold.
 */

export interface History {
  readonly messages: readonly object[]
  readonly words: readonly string[]
  /** Whether it calls tools. */
  readonly calls: boolean
}

const user = (content: unknown) => ({ role: 'user', content })
const system = (content: string) => ({ role: 'system', content })
const assistant = (content: string | null, reasoning?: string) => {
  return { role: 'assistant', content, ...(reasoning && { reasoning_content: reasoning }) }
}
const id = 'call_abc123'
const paris = '{"city":"Pariscity"}'
const call = (args: unknown, callId = id, name = 'get_weather') => {
  return { id: callId, type: 'function', function: { name, arguments: args } }
}
const calling = (calls: object[], content: string | null = null, reasoning?: string) => {
  return { ...assistant(content, reasoning), tool_calls: calls }
}
const answer = (content: unknown, callId = id) => {
  return { role: 'tool', tool_call_id: callId, content }
}
const two = [call(paris, 'a1'), call('{"city":"Romecity"}', 'a2')]
const past = [assistant('lastword'), user('nextword')]

const plain: Record<string, readonly [messages: object[], words: string]> = {
  'one message': [[user('word1')], 'word1'],
  'a few turns': [
    [system('word0'), user('word1'), assistant('word2'), user('word3')],
    'word0 word1 word2 word3',
  ],
  'two systems': [[system('word0'), system('word1'), user('word2')], 'word0 word1 word2'],
  'a developer and a system': [
    [{ role: 'developer', content: 'word0' }, system('word1'), user('word2')],
    'word0 word1 word2',
  ],
  'a system after the user': [[user('word1'), system('word2')], 'word1 word2'],
  'a system in the middle': [
    [system('word0'), user('word1'), assistant('word2'), system('word3'), user('word4')],
    'word0 word1 word2 word3 word4',
  ],
  'a system alone': [[system('word0')], 'word0'],
  'two users': [[user('word1'), user('word2')], 'word1 word2'],
  'two assistants': [
    [user('word1'), assistant('word2'), assistant('word3'), user('word4')],
    'word1 word2 word3 word4',
  ],
  'an assistant first': [[assistant('word1'), user('word2')], 'word1 word2'],
  'a system and an assistant first': [
    [system('word0'), assistant('word1'), user('word2')],
    'word0 word1 word2',
  ],
  'an assistant last': [[user('word1'), assistant('word2')], 'word1 word2'],
  'two assistants last': [
    [user('word1'), assistant('word2'), assistant('word3')],
    'word1 word2 word3',
  ],
  'an assistant alone': [[assistant('word2')], 'word2'],
  'an assistant that says nothing': [
    [user('word1'), { ...assistant(null), tool_calls: [] }, user('word2')],
    'word1 word2',
  ],
  'thoughts alone': [[user('word1'), assistant('', 'thought'), user('word2')], 'word1 word2'],
  'text beside thoughts': [
    [user('word1'), assistant('word2', 'thought'), user('word3')],
    'word1 word2 word3',
  ],
  'parts of text': [
    [
      user([
        { type: 'input_text', text: 'word1' },
        { type: 'text', text: 'word2' },
      ]),
      user([]),
    ],
    'word1 word2',
  ],
}

/** The message that calls, what answers it, and the words of both. */
const turns: Record<string, readonly [messages: object[], words: string]> = {
  'a call': [[calling([call(paris)]), answer('word2')], 'Pariscity word2'],
  'text beside a call': [
    [calling([call(paris)], 'saidword'), answer('word2')],
    'saidword Pariscity word2',
  ],
  'thoughts beside a call': [
    [calling([call(paris)], '', 'thought'), answer('word2')],
    'Pariscity word2',
  ],
  'text and thoughts beside a call': [
    [calling([call(paris)], 'saidword', 'thought'), answer('word2')],
    'saidword Pariscity word2',
  ],
  'two calls': [
    [calling(two), answer('word2', 'a1'), answer('word3', 'a2')],
    'Pariscity Romecity word2 word3',
  ],
  'answers in another order': [
    [calling(two), answer('word3', 'a2'), answer('word2', 'a1')],
    'Pariscity Romecity word2 word3',
  ],
  'one answer of two': [[calling(two), answer('word3', 'a2')], 'Pariscity Romecity word3'],
  'no answer': [[calling([call(paris)])], 'Pariscity'],
  'words before an answer': [
    [calling([call(paris)]), user('word2'), answer('word3')],
    'Pariscity word2 word3',
  ],
  'an answer without its call': [[answer('word2', 'zz')], 'word2'],
  'an answer after text': [[assistant('word2'), answer('word3', 'zz')], 'word2 word3'],
  'no ids and no types': [
    [
      { role: 'assistant', tool_calls: [{ function: { name: 'get_weather', arguments: paris } }] },
      { role: 'tool', content: 'word2' },
    ],
    'Pariscity word2',
  ],
  'functions of old': [
    [
      { ...assistant(null), function_call: { name: 'get_weather', arguments: paris } },
      { role: 'function', name: 'get_weather', content: 'word2' },
    ],
    'Pariscity word2',
  ],
  'an id of 40 characters': [
    [
      calling([call(paris, 'toolu_01ABCDEFghijklmnop-qrst-uvwx-yz01')]),
      answer('word2', 'toolu_01ABCDEFghijklmnop-qrst-uvwx-yz01'),
    ],
    'Pariscity word2',
  ],
  'an answer of null': [[calling([call(paris)]), answer(null)], 'Pariscity'],
  'an answer without content': [
    [calling([call(paris)]), { role: 'tool', tool_call_id: id }],
    'Pariscity',
  ],
  'an answer in JSON': [
    [calling([call(paris)]), answer('{"temp":12345678901234567890,"x":null,"d":"jsonword"}')],
    'Pariscity jsonword 12345678901234567890',
  ],
  'empty arguments': [[calling([call('')]), answer('word2')], 'get_weather word2'],
  'blank arguments': [[calling([call(' ')]), answer('word2')], 'get_weather word2'],
  'cut arguments': [[calling([call('{"city":"Pariscity')]), answer('word2')], 'Pariscity word2'],
  'arguments that are text': [[calling([call('Pariscity')]), answer('word2')], 'Pariscity word2'],
  'arguments in an array': [[calling([call('["Pariscity"]')]), answer('word2')], 'Pariscity word2'],
  'a number of arguments': [[calling([call('7001')]), answer('word2')], '7001 word2'],
  'an object of arguments': [
    [calling([call({ city: 'Pariscity' })]), answer('word2')],
    'Pariscity word2',
  ],
  'nested arguments': [
    [
      calling([call('{"o":{"k":"nestword","n":7002},"l":["listword",{"m":"mword"}],"b":7001}')]),
      answer('word2'),
    ],
    'nestword 7002 listword mword 7001 word2',
  ],
  'arguments called like methods': [
    [
      calling([call('{"items":"w1items","keys":"w2keys","get":"w3get","values":"w4values"}')]),
      answer('word2'),
    ],
    'w1items w2keys w3get w4values word2',
  ],
  'arguments of null': [
    [calling([call('{"city":"Pariscity","at":null,"l":[null]}')]), answer('word2')],
    'Pariscity word2',
  ],
  'a number of 24 digits': [
    [calling([call('{"n":123456789012345678901234}')]), answer('word2')],
    '123456789012345678901234 word2',
  ],
  'a call of another tool': [
    [calling([call(paris, 'x1', 'other_tool')]), answer('word2', 'x1')],
    'other_tool Pariscity word2',
  ],
  'all at once': [
    [
      user('word2'),
      calling([call('{"city":"Pariscity', 'q1')], 'saidword', 'thought'),
      system('word3'),
      answer('word4', 'q1'),
      assistant('word5'),
      assistant('word6'),
      system('word7'),
      user('word8'),
    ],
    'word2 saidword Pariscity word3 word4 word5 word6 word7 word8',
  ],
}

function historiesOf(): Record<string, History> {
  const all: Record<string, History> = {}
  for (const [name, [messages, words]] of Object.entries(plain)) {
    all[name] = { messages, words: words.split(' '), calls: false }
  }
  for (const [name, [messages, words]] of Object.entries(turns)) {
    const asked = [system('word0'), user('word1'), ...messages]
    const known = ['word0', 'word1', ...words.split(' ')]
    all[name] = { messages: asked, words: known, calls: true }
    const goneOn = [...known, 'nextword']
    all[`${name}, and a user`] = {
      messages: [...asked, user('nextword')],
      words: goneOn,
      calls: true,
    }
    all[`${name}, of a past turn`] = {
      messages: [...asked, ...past],
      words: [...goneOn, 'lastword'],
      calls: true,
    }
  }
  return all
}

export const histories = historiesOf()
