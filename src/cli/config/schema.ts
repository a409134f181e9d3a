import * as z from 'zod'
import { perSamplingName, type SamplingRow, samplingRows } from '../../api/sampling-options.js'
import { hubNameForm, isHubName, parseHubName } from '../../options/hub-name.js'

/**
 * The file of `sluice serve --config`. docs/config.schema.json is made of it, for editors. Ranges
 * are those of load's options, which test/cli/config.test.ts holds against each other.
 */

const int32Max = 2 ** 31 - 1
const integer = (min: number, max: number) => z.int().min(min).max(max)
const file = z.string().min(1)
const name = z.string().min(1).max(256)
/** Whether a name of the Hub is one is for the code alone: the published schema does not say. */
const modelFile = file.refine((given) => !isHubName(given) || parseHubName(given) !== undefined, {
  error: `expected a file, or ${hubNameForm}`,
})

function rangeOf({ range }: SamplingRow): z.ZodNumber {
  const number = range.isWhole ? z.int() : z.number()
  return ('from' in range ? number.min(range.from) : number.gt(range.above)).max(range.to)
}

const sampling = z
  .strictObject({
    ...perSamplingName((name) => rangeOf(samplingRows[name]).optional()),
    seed: z.int().optional(),
  })
  .describe('Defaults of how tokens are chosen, for requests that say nothing')

const reasoning = z
  .strictObject({
    enabled: z.boolean().describe('Whether the model reasons'),
    budget: integer(-1, int32Max),
    budgetMessage: z.string().max(1024),
  })
  .partial()
  .describe('Defaults of reasoning')

/** Options of `load` by their names, but for `model` and `chatTemplate`, which are files here. */
const engine = {
  context: integer(32, 2 ** 24).describe('Tokens of a conversation, reply included'),
  parallel: integer(1, 256).describe('Conversations at once'),
  window: integer(1, 65_536).describe('Tokens that a reply may run ahead of its reader'),
  queue: integer(0, 65_536).describe('Requests that may wait for a slot'),
  queueDeadlineMs: integer(1, int32Max).describe('How long a request may wait'),
  threads: integer(1, 512).describe('Compute threads'),
  poll: integer(0, 100),
  priority: z.enum(['low', 'normal', 'medium', 'high', 'realtime']),
  gpu: z.union([z.enum(['auto', 'cuda', 'vulkan', 'metal']), z.literal(false)]),
  gpuLayers: integer(-1, 65_536).describe('Layers to put on the GPU, -1 for all that fit'),
  splitMode: z.enum(['none', 'layer']),
  mainGpu: integer(0, 15),
  tensorSplit: z.array(z.number().min(0).max(1e9)).min(1).max(16),
  rpc: z
    .array(z.string().regex(/^[\w.-]{1,253}:\d{1,5}$/))
    .min(1)
    .max(16)
    .describe('Machines that compute a part, host:port; for trusted networks only'),
  rpcWaitMs: integer(1, int32Max).describe('How long a lost worker may take to come back'),
  kvType: z.enum(['f16', 'bf16', 'q8_0', 'q4_0']).describe('Type of the KV cache'),
  flashAttention: z.union([z.literal('auto'), z.boolean()]),
  kvCells: integer(32, 2 ** 30).describe('Cells of one KV cache for all conversations'),
  cacheMiB: integer(0, 2 ** 20).describe('Memory for states of conversations'),
  cacheDir: file.describe('A folder where states of conversations survive restarts'),
  cacheDiskGiB: z
    .number()
    .min(0.001)
    .max(2 ** 20)
    .describe('What the states in it may take'),
  toolsFallback: z.boolean(),
  toolsMax: integer(1, 65_536),
  toolBytesMax: integer(1, 2 ** 26),
  toolWorkMax: integer(1, 2 ** 20),
  draft: modelFile.describe('A small model that drafts, a GGUF file or hf:OWNER/REPO:QUANT'),
  lora: z
    .record(
      name,
      z.union([file, z.strictObject({ file, scale: z.number().min(-100).max(100).optional() })]),
    )
    .describe(
      'LoRA adapters by the names that requests have for them: a GGUF file, or its scale too',
    ),
  lookup: z.boolean(),
  mtp: z.boolean(),
  draftMax: integer(1, 16),
  isolation: z.enum(['none', 'process']).describe('Whether the engine has its own process'),
  engineStallMs: integer(1, int32Max).describe('How long its process may stand still'),
  embeddings: z.boolean().describe('Whether the model embeds; default: as its file says'),
}

const optionalEngine = z.strictObject(engine).partial().shape

const model = z
  .strictObject({
    file: modelFile.describe(
      'A GGUF file, or hf:OWNER/REPO:QUANT; a relative path is below the folder of this file',
    ),
    aliases: z.array(name).max(1024).optional().describe('Other names of the model'),
    loadAtStart: z.boolean().optional().describe('Load it at the start, not at its first use'),
    chatTemplateFile: file.optional().describe("A chat template in the place of the model's"),
    ...optionalEngine,
    sampling: sampling.optional(),
    reasoning: reasoning.optional(),
  })
  .describe("A model: its file, and load's options where they differ from the command's flags")

export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    default: name.optional().describe('The model that `default` stands for; default: the first'),
    memoryMiB: integer(1, 2 ** 30)
      .optional()
      .describe('Memory that all loaded models may take together'),
    idleUnload: z
      .int()
      .min(0)
      .max(2_147_483)
      .optional()
      .describe('Seconds without a use after which a model is unloaded; 0 is never'),
    models: z.record(name, model).describe('The models by their names'),
  })
  .describe('Models of `sluice serve --config`')

export type Config = z.output<typeof configSchema>
export type ConfigModel = Config['models'][string]

/** As it is published. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' })
}
