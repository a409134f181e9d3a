/** Tools as a few MCP servers have them together: so many, of so many bytes of JSON in all. */
export function mcpTools(count: number, bytes: number) {
  return Array.from({ length: count }, (_, number) => {
    const properties: Record<string, unknown> = {}
    const tool = {
      name: `server_${number % 6}.tools/do-${number}`,
      description: `Tool ${number}: ${words.join(' ')}`,
      parameters: { type: 'object', properties, required: ['p0'], additionalProperties: false },
    }
    for (let p = 0; JSON.stringify(tool).length < bytes / count; p++) {
      const description = `${words.slice(p % 9, (p % 9) + 8).join(' ')} ${number}.${p}`
      properties[`p${p}`] = { ...kinds[(p + number) % kinds.length], description }
    }
    return tool
  })
}

const words = (
  'the name of the file that shall be read or written by this tool of the server and whether it ' +
  'may be made anew'
).split(' ')

const kinds: readonly object[] = [
  { type: 'string' },
  { type: 'integer', minimum: 0, maximum: 100 },
  { type: 'string', enum: ['one', 'two', 'three'] },
  { type: 'array', items: { type: 'string' } },
  {
    type: 'object',
    properties: {
      from: { type: 'string', format: 'date' },
      to: { type: 'string', pattern: '^[a-z]{2,20}$' },
    },
    required: ['from'],
  },
  { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
  { type: 'boolean', default: false },
]
