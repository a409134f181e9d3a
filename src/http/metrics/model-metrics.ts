import { Counter, Gauge, type Registry } from 'prom-client'
import type { ModelStatus } from '../../api/models-types.js'
import type { HostNumbers } from '../../host/model-host.js'
import { modelLabel } from './reply-metrics.js'

interface ModelMetric {
  readonly name: string
  readonly help: string
  readonly value: (model: ModelStatus) => number
}

const gauges: readonly ModelMetric[] = [
  {
    name: 'sluice_model_loaded',
    help: '1 where the model is in memory, else 0.',
    value: ({ state }) => (state === 'loaded' ? 1 : 0),
  },
  {
    name: 'sluice_model_bytes',
    help: 'Bytes of memory that the model takes once it is loaded; 0 where that is not known yet.',
    value: ({ bytes }) => bytes ?? 0,
  },
  {
    name: 'sluice_model_requests',
    help: 'Requests that have the model in use.',
    value: ({ inUse }) => inUse,
  },
  {
    name: 'sluice_model_requests_waiting',
    help: 'Requests that wait for the model to be loaded.',
    value: ({ waiting }) => waiting,
  },
]

const counters: readonly ModelMetric[] = [
  {
    name: 'sluice_model_loads_total',
    help: 'Times that the model was loaded.',
    value: ({ loads }) => loads,
  },
  {
    name: 'sluice_model_unloads_total',
    help: 'Times that the model was unloaded.',
    value: ({ unloads }) => unloads,
  },
  {
    name: 'sluice_model_failures_total',
    help: 'Times that the model failed to load, or its engine ended by itself.',
    value: ({ failures }) => failures,
  },
]

/** Registers what a host of several models counts; of another host they have no values. */
export function registerModelMetrics(
  registry: Registry,
  numbers: () => HostNumbers | undefined,
): void {
  const registers = [registry]
  const labelNames = [modelLabel]
  for (const { name, help, value } of gauges) {
    const collect = () => {
      for (const model of numbers()?.models ?? []) {
        gauge.set({ [modelLabel]: model.name }, value(model))
      }
    }
    const gauge = new Gauge({ name, help, labelNames, registers, collect })
  }
  for (const { name, help, value } of counters) {
    const collect = () => {
      counter.reset() // the pool counts; this only repeats it
      for (const model of numbers()?.models ?? []) {
        counter.inc({ [modelLabel]: model.name }, value(model))
      }
    }
    const counter = new Counter({ name, help, labelNames, registers, collect })
  }
  registerMemory(registry, numbers)
}

/** Without a label a gauge would be told as 0 of a host that has no such number. */
function registerMemory(registry: Registry, numbers: () => HostNumbers | undefined): void {
  const labelNames = ['kind']
  const gauge = new Gauge({
    name: 'sluice_models_memory_bytes',
    help: 'Bytes of memory of all models: what those loaded take, and what they may take together.',
    labelNames,
    registers: [registry],
    collect: () => {
      const now = numbers()
      if (now === undefined) return
      gauge.set({ kind: 'used' }, now.bytes)
      gauge.set({ kind: 'budget' }, now.budgetBytes)
    },
  })
}
