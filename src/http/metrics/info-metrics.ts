import { Gauge, type Registry } from 'prom-client'
import type { ModelStats } from './engine-metrics.js'
import type { NameOf } from './names.js'
import { modelLabel } from './reply-metrics.js'

/**
 * What a balancer of prompts wants to know of an engine, as vLLM tells it: in labels, so that each
 * scrape tells one series of a model and forgets what it told before.
 */

/** Tokens of a block, as vLLM has them by default. Cells are of one token each, without blocks. */
const blockTokens = 16

export function registerInfoMetrics(
  registry: Registry,
  nameOf: NameOf,
  loaded: () => readonly ModelStats[],
): void {
  registerCacheInfo(registry, nameOf, loaded)
  registerAdapterInfo(registry, nameOf, loaded)
}

function registerCacheInfo(
  registry: Registry,
  nameOf: NameOf,
  loaded: () => readonly ModelStats[],
): void {
  const gauge = new Gauge({
    name: nameOf('sluice_cache_config_info'),
    help: `The KV cache in blocks of ${blockTokens} tokens, in labels; always 1.`,
    labelNames: ['block_size', 'num_gpu_blocks', modelLabel],
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const { model, stats } of loaded()) {
        const blocks = Math.floor(stats.cellsTotal / blockTokens)
        const labels = { block_size: blockTokens, num_gpu_blocks: blocks, [modelLabel]: model }
        gauge.set(labels, 1)
      }
    },
  })
}

/** Of models with adapters only, as vLLM does. Its value is the time, by which a reader sorts. */
function registerAdapterInfo(
  registry: Registry,
  nameOf: NameOf,
  loaded: () => readonly ModelStats[],
): void {
  const gauge = new Gauge({
    name: nameOf('sluice_lora_requests_info'),
    help: 'LoRA adapters of replies in slots and of requests that wait, in labels; Unix seconds.',
    labelNames: ['max_lora', 'running_lora_adapters', 'waiting_lora_adapters', modelLabel],
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const { model, stats, adapters } of loaded()) {
        if (adapters.length === 0) continue
        const named = (places: readonly number[]) => places.map((one) => adapters[one]).join(',')
        const labels = {
          max_lora: adapters.length,
          running_lora_adapters: named(stats.adaptersRunning),
          waiting_lora_adapters: named(stats.adaptersWaiting),
          [modelLabel]: model,
        }
        gauge.set(labels, Date.now() / 1000)
      }
    },
  })
}
