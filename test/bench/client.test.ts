import { describe, expect, test } from 'vitest'
import { EventStream, hasText } from '../../bench/client/event-stream.js'
import { HttpResponse } from '../../bench/client/http-response.js'
import { ask, words } from '../../bench/client/prompts.js'

const head =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'

describe('a response', () => {
  test('is put together from reads of any size', () => {
    const bytes = `${head}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n`
    for (let size = 1; size <= bytes.length; size++) {
      const response = new HttpResponse()
      let body = ''
      for (let at = 0; at < bytes.length; at += size) {
        body += response.feed(bytes.slice(at, at + size))
      }
      expect(body).toBe('hello world')
      expect(response.status).toBe(200)
      expect(response.isOver).toBe(true)
    }
  })

  test('without chunks is its bytes, and never knows its end', () => {
    const response = new HttpResponse()
    expect(response.feed('HTTP/1.1 503 Busy\r\n\r\n{"error"')).toBe('{"error"')
    expect(response.feed(':1}')).toBe(':1}')
    expect(response.status).toBe(503)
    expect(response.isOver).toBe(false)
  })
})

describe('an event stream', () => {
  test('gives each event once it is whole', () => {
    const stream = new EventStream()
    expect(stream.feed('data: {"a"')).toEqual([])
    expect(stream.feed(':1}\n\n: ping\n\ndata: [DO')).toEqual(['{"a":1}'])
    expect(stream.feed('NE]\n\n')).toEqual(['[DONE]'])
  })

  test.each([
    ['{"delta":{"content":"a"}}', true],
    ['{"delta":{"content":"\\""}}', true],
    ['{"delta":{"content":""}}', false],
    ['{"delta":{"role":"assistant","content":null}}', false],
    ['{"choices":[],"usage":{"prompt_tokens":1}}', false],
  ])('%s has text: %s', (event, expected) => {
    expect(hasText(event)).toBe(expected)
  })
})

describe('a prompt', () => {
  test('has as many words as asked for, and others each time', () => {
    expect(words(600).split(' ')).toHaveLength(600)
    expect(words(32)).not.toBe(words(32))
    expect(ask(3)).toEqual([{ role: 'user', content: expect.stringMatching(/^\w+ \w+ \w+$/) }])
  })
})
