/** What the server answers, as far as the page reads it. */

export interface ListedModel {
  readonly id: string
  readonly state: 'unloaded' | 'loading' | 'loaded' | 'failed'
  readonly max_model_len?: number
  readonly capabilities?: readonly string[]
}

export interface ReplyChunk {
  readonly choices: readonly {
    readonly delta: {
      readonly content?: string | null
      readonly reasoning_content?: string | null
      readonly tool_calls?: readonly {
        readonly index: number
        readonly function: { readonly name?: string; readonly arguments?: string }
      }[]
    }
    readonly finish_reason: string | null
  }[]
  readonly usage?: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly prompt_tokens_details?: { readonly cached_tokens: number }
  } | null
  readonly error?: { readonly message: string }
}

export interface SlotNow {
  readonly request: number
  readonly phase: 'prefill' | 'decode' | 'parked'
  readonly prompt_tokens: number
  readonly cached_tokens: number
  readonly computed_tokens: number
  readonly completion_tokens: number
}

export interface EngineNow {
  readonly description: string
  readonly parallel: number
  readonly context: number
  readonly slots: readonly (SlotNow | null)[]
  readonly queued: number
  readonly queue_max: number
  readonly running: number
  readonly parked: number
  readonly step_ms: number
  readonly kv_cells: { readonly used: number; readonly cached: number; readonly total: number }
  readonly kept: { readonly states: number; readonly bytes: number; readonly bytes_max: number }
  readonly totals: Readonly<Record<TotalName, number>>
}

export type TotalName =
  | 'prompt_tokens'
  | 'cached_tokens'
  | 'prefilled_tokens'
  | 'generated_tokens'
  | 'finished'
  | 'cancelled'
  | 'failed'
  | 'preempted'

export interface ModelNow {
  readonly model: string
  readonly aliases: readonly string[]
  readonly state: ListedModel['state']
  readonly waiting?: number
  readonly bytes?: number | null
  readonly engine: EngineNow | null
}

export interface EngineAnswer {
  readonly uptime_ms: number
  readonly memory?: { readonly bytes: number; readonly budget_bytes: number }
  readonly models: readonly ModelNow[]
}
