import type { ModelInfo } from '../../api/types.js'
import type { ModelEntry } from '../../host/model-host.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'

/** GET /v1/models, for clients of Anthropic's. */
export function listModels(service: Service): Answer {
  service.checkServing()
  const models = service.host.entries()
  const data = models.flatMap((model) => {
    return [...model.names, ...model.adapters].map((id) => entry(id, model))
  })
  const [first] = data
  const ids = { first_id: first?.id ?? null, last_id: data.at(-1)?.id ?? null }
  return json(200, { data, has_more: false, ...ids })
}

/** GET /v1/models/{id} */
export function oneModel(service: Service, _: Call, id: string): Answer {
  service.checkServing()
  return json(200, entry(id, service.host.find(id)))
}

function entry(id: string, { known, state, created }: ModelEntry) {
  const context = known?.context ?? null
  return {
    type: 'model',
    id,
    display_name: known?.model.name ?? id,
    created_at: new Date(created * 1000).toISOString(),
    // The prompt and the reply share one context.
    max_input_tokens: context,
    max_tokens: context,
    lifecycle: 'active',
    line: null,
    deprecated_at: null,
    retires_at: null,
    // Not known of a model whose file was not read yet.
    capabilities: known === undefined ? null : capabilities(known.model),
    state,
  }
}

const yes = { supported: true }
const no = { supported: false }

function capabilities({ canThink = false }: Partial<ModelInfo>) {
  const thinks = { supported: canThink }
  return {
    batch: no,
    citations: no,
    code_execution: no,
    context_management: {
      supported: false,
      clear_thinking_20251015: no,
      clear_tool_uses_20250919: no,
      compact_20260112: no,
    },
    // It is told to the template; whether the model knows it is not known.
    effort: { supported: true, low: yes, medium: yes, high: yes, xhigh: yes, max: yes },
    image_input: no,
    pdf_input: no,
    server_tools: { supported: false, code_execution: no, web_search: no },
    structured_outputs: yes,
    thinking: {
      supported: canThink,
      types: { adaptive: thinks, enabled: thinks, disabled: yes, between_tools: yes },
    },
  }
}
