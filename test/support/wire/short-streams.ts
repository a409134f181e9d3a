import { chatPath, story } from '../serve.js'

/** Requests for a stream by each protocol, and its events where it fails before its first token. */
export const shortStreams: [path: string, body: object, events: string[]][] = [
  [chatPath, story(), ['chunk', 'error']],
  [
    '/v1/responses',
    { input: 'Tell me a story', stream: true },
    ['response.created', 'response.in_progress', 'error', 'response.failed'],
  ],
  ['/v1/messages', story({ max_tokens: 9 }), ['message_start', 'error']],
]
