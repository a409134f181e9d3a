/**
 * What clients that people use send, by what is publicly known of them: the fields, with texts of
 * our own in them. Each is a body of `path`, /v1/chat/completions where nothing else is said.
 */
export interface ClientShape {
  client: string
  path?: string
  body: Record<string, unknown>
  /** What it needs that is not there: it is refused, with that field as `param`. */
  lacks?: string
}

const model = 'default'
const user = { role: 'user', content: 'Which files are here?' }
const system = { role: 'system', content: 'You help.' }
const text = (said: string) => ({ type: 'text', text: said })
const streamed = { stream: true, stream_options: { include_usage: true } }

const listFiles = {
  type: 'function',
  function: {
    name: 'list_files',
    description: 'Lists files',
    parameters: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        path: { type: 'string', description: 'The folder' },
        recursive: { type: 'boolean', default: false },
      },
      required: ['path'],
      additionalProperties: false,
    },
  },
}
const called = {
  role: 'assistant',
  content: null,
  tool_calls: [
    {
      id: 'call_9pw1qnYScqvGrCH58HWCvFH6',
      type: 'function',
      function: { name: 'list_files', arguments: '{"path":"."}' },
    },
  ],
}
const told = { role: 'tool', tool_call_id: 'call_9pw1qnYScqvGrCH58HWCvFH6', content: 'notes.txt' }
const toolTurn = [system, user, called, told]
const personSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}

export const clientShapes: ClientShape[] = [
  {
    client: 'Continue, a chat',
    body: {
      model,
      messages: [system, { ...user, content: [text('Which files are here?')] }],
      max_tokens: 2048,
      ...streamed,
      tools: [listFiles],
      parallel_tool_calls: false,
    },
  },
  {
    client: 'Continue, a completion of code',
    path: '/v1/completions',
    body: {
      model,
      prompt: '<|fim_prefix|>const a = <|fim_suffix|>\n<|fim_middle|>',
      max_tokens: 256,
      temperature: 0.01,
      stream: true,
      stop: [
        '<|endoftext|>',
        '<|fim_prefix|>',
        '<|fim_middle|>',
        '<|fim_suffix|>',
        '<|fim_pad|>',
        '<|repo_name|>',
        '<|file_sep|>',
        '<|im_start|>',
        '<|im_end|>',
        '/src/',
        '#- coding: utf-8',
        '```',
      ],
    },
  },
  {
    client: 'Cline',
    body: {
      model,
      messages: [
        system,
        { role: 'user', content: [text('<task>\nLook.\n</task>'), text('<environment/>')] },
        { role: 'assistant', content: 'Done.' },
        { role: 'user', content: [text('Go on.')] },
      ],
      temperature: 0,
      max_tokens: undefined,
      reasoning_effort: undefined,
      ...streamed,
    },
  },
  {
    client: 'Roo Code, with native tools',
    body: {
      model,
      max_tokens: 4096,
      temperature: 0.6,
      messages: toolTurn,
      ...streamed,
      tools: [{ ...listFiles, function: { ...listFiles.function, strict: true } }],
      tool_choice: 'auto',
      parallel_tool_calls: true,
    },
  },
  {
    client: 'Open WebUI, a chat',
    body: {
      model,
      messages: [user],
      stream: true,
      temperature: 0.7,
      top_p: 0.9,
      top_k: 40,
      min_p: 0,
      seed: 0,
      stop: [],
      frequency_penalty: 0,
      presence_penalty: 0,
      repeat_penalty: 1.1,
      max_tokens: 128,
      logit_bias: {},
      reasoning_effort: 'medium',
      custom_of_the_owner: { a: 1 },
    },
  },
  {
    client: 'Open WebUI, a title',
    body: { model, messages: [user], stream: false, max_completion_tokens: 1000 },
  },
  {
    client: 'LibreChat, an agent',
    body: {
      model,
      messages: [{ role: 'developer', content: 'You help.' }, ...toolTurn.slice(1)],
      user: '6650c1f8a2',
      temperature: 1,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      n: 1,
      ...streamed,
      tools: [listFiles],
    },
  },
  {
    client: 'LiteLLM in front of it',
    body: {
      model,
      messages: [
        {
          role: 'system',
          content: [{ ...text('You help.'), cache_control: { type: 'ephemeral' } }],
        },
        user,
        { ...called, function_call: null, provider_specific_fields: { refusal: null } },
        { ...told, name: 'list_files' },
      ],
      tools: [listFiles],
      tool_choice: { type: 'function', function: { name: 'list_files' } },
      metadata: { trace: 'a' },
      user: 'someone',
      timeout: 600,
    },
  },
  {
    client: 'Zed',
    body: {
      model,
      messages: [
        { role: 'system', content: [text('You help.')] },
        { role: 'user', content: [text('Look.')] },
        { ...called, content: [] },
        { ...told, content: [text('notes.txt')] },
      ],
      ...streamed,
      max_completion_tokens: 8192,
      stop: [],
      temperature: 1,
      parallel_tool_calls: false,
      tools: [listFiles],
      prompt_cache_key: 'a-thread',
      reasoning_effort: null,
    },
  },
  {
    client: 'JetBrains AI Assistant',
    body: {
      model,
      messages: [system, user],
      ...streamed,
      temperature: 0,
      tools: [listFiles],
      tool_choice: 'auto',
    },
  },
  {
    client: 'Home Assistant',
    body: {
      model,
      messages: toolTurn,
      max_tokens: 150,
      top_p: 1,
      temperature: 0.5,
      user: '01HXYZ',
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'HassTurnOn',
            description: 'Turns on a device',
            parameters: {
              type: 'object',
              properties: {
                name: { type: 'string' },
                domain: { type: 'array', items: { type: 'string' } },
                device_class: {
                  type: 'array',
                  items: { type: 'string', enum: ['blind', 'curtain', 'door'] },
                },
              },
              required: [],
            },
          },
        },
      ],
    },
  },
  {
    client: 'n8n',
    body: {
      model,
      temperature: 0.7,
      top_p: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
      max_tokens: -1,
      n: 1,
      messages: [system, user],
      response_format: { type: 'text' },
      ...streamed,
    },
  },
  {
    client: 'Dify',
    body: {
      model,
      messages: toolTurn.map((message) =>
        message === told ? { ...told, name: 'list_files' } : message,
      ),
      stream: true,
      temperature: 0.7,
      top_p: 0.9,
      max_tokens: 512,
      user: 'abc-123',
      tool_choice: 'auto',
      tools: [listFiles],
      stop: ['Observation'],
      enable_thinking: false,
    },
  },
  {
    client: 'AnythingLLM',
    body: {
      model,
      ...streamed,
      messages: [
        { role: 'system', content: 'You help.' },
        { role: 'user', content: [text('Which files are here?')] },
      ],
      temperature: 0.7,
      max_tokens: 1024,
    },
  },
  {
    client: 'SillyTavern, a chat',
    body: {
      model,
      messages: [
        system,
        { role: 'system', content: '[Start a new chat]' },
        { role: 'assistant', content: 'Hello!', name: 'Seraphina' },
        { ...user, name: 'User' },
        { role: 'system', content: '[Continue.]' },
      ],
      temperature: 1,
      max_tokens: 300,
      stream: true,
      presence_penalty: 0,
      frequency_penalty: 0,
      top_p: 1,
      top_k: 0,
      min_p: 0,
      top_a: 0,
      repetition_penalty: 1,
      stop: ['\nUser:'],
      seed: -1,
      n: 1,
      logit_bias: {},
      include_reasoning: true,
      enable_web_search: false,
      request_images: false,
    },
  },
  {
    client: 'SillyTavern, a text',
    path: '/v1/completions',
    body: {
      model,
      prompt: 'User: Hello\nSeraphina:',
      max_new_tokens: 300,
      max_tokens: 300,
      n_predict: 300,
      temperature: 1,
      top_p: 0.9,
      typical_p: 1,
      typical: 1,
      min_p: 0.05,
      repetition_penalty: 1.1,
      repeat_penalty: 1.1,
      repeat_last_n: 0,
      frequency_penalty: 0,
      presence_penalty: 0,
      top_k: 0,
      skew: 0,
      min_tokens: 0,
      add_bos_token: true,
      truncation_length: 8192,
      ban_eos_token: false,
      skip_special_tokens: true,
      tfs: 1,
      mirostat_mode: 0,
      dry_multiplier: 0,
      stop: ['\nUser:'],
      stopping_strings: ['\nUser:'],
      seed: -1,
      cache_prompt: true,
      stream: true,
    },
  },
  {
    client: 'Vercel AI SDK, with an object',
    body: {
      model,
      messages: [system, { role: 'user', content: [text('Who?')] }],
      temperature: 0,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'response',
          schema: { $schema: 'http://json-schema.org/draft-07/schema#', ...personSchema },
          strict: true,
        },
      },
    },
  },
  {
    client: 'LlamaIndex.TS',
    body: {
      model,
      temperature: 0.1,
      max_tokens: undefined,
      messages: toolTurn,
      top_p: 1,
      tools: [{ ...listFiles, function: { ...listFiles.function, strict: false } }],
      tool_choice: 'auto',
      stream: false,
    },
  },
  {
    client: 'Semantic Kernel',
    body: {
      model,
      messages: [
        system,
        { ...user, name: 'Ann' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'Files-List', arguments: '{"path": "."}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '["notes.txt"]' },
      ],
      temperature: 1,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      max_completion_tokens: 1000,
      stop: [],
      tools: [
        {
          type: 'function',
          function: {
            name: 'Files-List',
            description: '',
            strict: false,
            parameters: { type: 'object', required: [], properties: {} },
          },
        },
      ],
      tool_choice: 'auto',
    },
  },
  {
    client: 'LangChain4j',
    body: {
      model,
      messages: toolTurn,
      temperature: 0.7,
      ...streamed,
      tools: [
        {
          type: 'function',
          function: {
            name: 'list_files',
            description: 'Lists files',
            strict: false,
            parameters: {
              type: 'object',
              properties: { path: { type: 'string', description: 'The folder' } },
              required: ['path'],
            },
          },
        },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'Person', strict: false, schema: personSchema },
      },
      tool_choice: 'none',
    },
  },
  {
    client: 'Spring AI',
    body: {
      messages: [
        { content: 'You help.', role: 'system' },
        { content: 'Look.', role: 'user' },
        { role: 'assistant', tool_calls: called.tool_calls },
        { content: 'notes.txt', role: 'tool', name: 'list_files', tool_call_id: told.tool_call_id },
      ],
      model,
      store: false,
      stream: false,
      temperature: 0.7,
      tools: [
        {
          type: 'function',
          function: {
            description: 'Lists files',
            name: 'list_files',
            parameters: {
              $schema: 'https://json-schema.org/draft/2020-12/schema',
              additionalProperties: false,
              type: 'object',
              properties: { arg0: { type: 'integer', format: 'int32' } },
              required: ['arg0'],
            },
          },
        },
      ],
      extra_body: {},
    },
  },
  {
    client: 'instructor, tools',
    body: {
      model,
      messages: [user],
      tools: [{ type: 'function', function: { name: 'Person', parameters: personSchema } }],
      tool_choice: { type: 'function', function: { name: 'Person' } },
      stream: true,
    },
  },
  {
    client: 'instructor, json_schema',
    body: {
      model,
      messages: [{ ...system, content: 'Answer as Person.' }, user],
      response_format: { type: 'json_object', schema: personSchema },
    },
  },
  {
    client: 'instructor, a schema of zod-to-json-schema',
    body: {
      model,
      messages: [user],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'Person',
          schema: {
            $ref: '#/definitions/Person',
            definitions: { Person: personSchema },
            $schema: 'http://json-schema.org/draft-07/schema#',
          },
        },
      },
    },
  },
  {
    client: 'BAML',
    body: {
      model,
      messages: [{ role: 'system', content: [text('Answer in JSON using this schema: {}')] }],
      ...streamed,
      max_tokens: 4096,
    },
  },
  {
    client: 'Aider',
    body: { model, messages: [system, user], temperature: 0, stream: true },
  },
  {
    client: 'Goose',
    body: {
      model,
      messages: toolTurn,
      tools: [
        {
          type: 'function',
          function: {
            name: 'developer__list_files',
            description: 'Lists files',
            parameters: {
              $schema: 'http://json-schema.org/draft-07/schema#',
              title: 'ListParams',
              type: 'object',
              properties: {
                path: { type: 'string' },
                limit: { type: ['integer', 'null'], format: 'uint32', minimum: 0 },
              },
              required: ['path'],
            },
          },
        },
      ],
      temperature: 0.2,
      ...streamed,
    },
  },
  {
    client: 'GitHub Copilot with a model of its own',
    body: {
      model,
      messages: [system, user],
      temperature: 0.1,
      top_p: 1,
      max_tokens: 4096,
      n: 1,
      stream: true,
      intent: false,
      tools: [listFiles],
      tool_choice: 'auto',
    },
  },
  {
    client: 'OpenHands, by LiteLLM',
    body: {
      model,
      messages: [
        {
          role: 'system',
          content: [{ ...text('You help.'), cache_control: { type: 'ephemeral' } }],
        },
        { role: 'user', content: [text('Look.')] },
        { role: 'assistant', content: [text('I look.')], tool_calls: called.tool_calls },
        { ...told, name: 'list_files', content: [text('notes.txt')] },
      ],
      tools: [listFiles],
      temperature: 0,
      top_p: 1,
      max_completion_tokens: 4096,
      seed: 42,
    },
  },
  {
    client: 'Pydantic AI',
    body: {
      model,
      messages: [system, user],
      stream: false,
      n: 1,
      tools: [
        {
          type: 'function',
          function: {
            name: 'final_result',
            description: 'The final response which ends this conversation',
            parameters: {
              properties: {
                city: { title: 'City', type: 'string' },
                when: {
                  anyOf: [{ format: 'date-time', type: 'string' }, { type: 'null' }],
                  default: null,
                  title: 'When',
                },
              },
              required: ['city'],
              title: 'Answer',
              type: 'object',
            },
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: true,
      chat_template_kwargs: { enable_thinking: false, thinking: false },
    },
  },
  {
    client: 'the functions of before tools',
    lacks: 'functions',
    body: {
      model,
      messages: [
        user,
        {
          role: 'assistant',
          content: null,
          function_call: { name: 'list_files', arguments: '{"path":"."}' },
        },
        { role: 'function', name: 'list_files', content: 'notes.txt' },
      ],
      functions: [listFiles.function],
      function_call: 'auto',
    },
  },
  {
    client: 'OpenRouter’s own fields',
    body: {
      model,
      messages: [user, { role: 'assistant', content: 'Hm.', reasoning: 'I think.' }, user],
      stream: true,
      usage: { include: true },
      include_reasoning: true,
      reasoning: { effort: 'low' },
      provider: { order: ['any'] },
      transforms: ['middle-out'],
    },
  },
  {
    client: 'Ollama’s own fields',
    body: { model, messages: [user], stream: false, keep_alive: '5m', options: { num_ctx: 8192 } },
  },
  {
    client: 'vLLM’s own fields',
    body: {
      model,
      messages: [user],
      top_k: -1,
      min_p: 0,
      repetition_penalty: 1.05,
      guided_choice: ['yes', 'no'],
      skip_special_tokens: true,
      add_generation_prompt: true,
    },
  },
]
