/**
 * Changes GGUF headers at random: one value, one tensor, one length at a time, and by a seed, so
 * that a run can be repeated. The files are written for one load and then gone: none is kept.
 */
import { readFileSync } from 'node:fs'
import { SCALAR_BYTES } from '../models/gguf-reader.js'
import { type GgufValue, GgufValueType } from '../models/gguf-writer.js'

/** Small whole numbers from a seed: mulberry32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * sides)
  }

  /** True in `percent` of a hundred. */
  chance(percent: number): boolean {
    return this.roll(100) < percent
  }

  of<T>(values: readonly T[]): T {
    return values[this.roll(values.length)] as T
  }
}

export interface FuzzTensor {
  name: string
  shape: bigint[]
  type: number
  offset: bigint
  data: Buffer
}

/** A GGUF file in parts that can be changed and written again. */
export interface FuzzFile {
  metadata: [key: string, value: GgufValue][]
  tensors: FuzzTensor[]
}

export function readFuzzFile(path: string): FuzzFile {
  const file = readFileSync(path)
  const at = new Cursor(file, 8)
  const [tensorCount, entryCount] = [Number(at.u64()), Number(at.u64())]
  const metadata = Array.from({ length: entryCount }, (): [string, GgufValue] => {
    const key = at.text()
    const type = at.u32()
    return [key, { type, bytes: at.value(type) }]
  })
  const tensors = Array.from({ length: tensorCount }, (): FuzzTensor => {
    const name = at.text()
    const shape = Array.from({ length: at.u32() }, () => at.u64())
    return { name, shape, type: at.u32(), offset: at.u64(), data: Buffer.alloc(0) }
  })
  const start = at.place + padding(at.place)
  const places = [...tensors.map(({ offset }) => start + Number(offset)), file.length]
  tensors.forEach((tensor, i) => {
    tensor.data = file.subarray(places[i], places[i + 1])
  })
  return { metadata, tensors }
}

/** Reads a file forwards. */
class Cursor {
  readonly #file: Buffer
  place: number

  constructor(file: Buffer, place: number) {
    this.#file = file
    this.place = place
  }

  bytes(length: number): Buffer {
    this.place += length
    return this.#file.subarray(this.place - length, this.place)
  }

  u32(): number {
    return this.bytes(4).readUInt32LE()
  }

  u64(): bigint {
    return this.bytes(8).readBigUInt64LE()
  }

  text(): string {
    return this.bytes(Number(this.u64())).toString('latin1')
  }

  /** A metadata value of this type, as its bytes. */
  value(type: number): Buffer {
    const start = this.place
    if (type === GgufValueType.array) {
      const elementType = this.u32()
      for (let left = Number(this.u64()); left > 0; left--) this.value(elementType)
    } else if (type === GgufValueType.string) {
      this.bytes(Number(this.u64()))
    } else {
      this.bytes(SCALAR_BYTES[type] as number)
    }
    return this.#file.subarray(start, this.place)
  }
}

/** Changes something, sometimes two things. The file that it was given stays as it is. */
export function mutated({ metadata, tensors }: FuzzFile, dice: Dice): FuzzFile {
  const file = { metadata: [...metadata], tensors: tensors.map((tensor) => ({ ...tensor })) }
  for (let changes = dice.chance(20) ? 2 : 1; changes > 0; changes--) {
    const kind = dice.roll(100)
    if (kind < 45 && file.metadata.length > 0) changeEntry(file, dice)
    else if (kind < 65) addEntry(file, dice)
    else if (file.tensors.length > 0) changeTensor(file, dice)
  }
  return file
}

/** The same model in two or three parts, of which one is changed. */
export function partsOf(file: FuzzFile, dice: Dice): FuzzFile[] {
  const parts = splitFile(file, dice.chance(50) ? 2 : 3)
  const at = dice.roll(parts.length)
  parts[at] = mutated(parts[at] as FuzzFile, dice)
  return parts
}

/** The same model in parts, as llama.cpp's own tool makes them: the first has all metadata. */
export function splitFile({ metadata, tensors }: FuzzFile, count: number): FuzzFile[] {
  return Array.from({ length: count }, (_, part): FuzzFile => {
    const from = Math.floor((part * tensors.length) / count)
    const to = Math.floor(((part + 1) * tensors.length) / count)
    return {
      metadata: [
        ...(part === 0 ? metadata : []),
        ['split.no', scalar(2, part)],
        ['split.count', scalar(2, count)],
        ['split.tensors.count', scalar(5, tensors.length)],
      ],
      tensors: tensors.slice(from, to),
    }
  })
}

/** The bytes of the file as it is, its data aligned to so many bytes. */
export function alignedBytes({ metadata, tensors }: FuzzFile, alignment = 32): Buffer {
  const entries: FuzzFile['metadata'] = [...metadata, ['general.alignment', scalar(4, alignment)]]
  const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)]
  for (const [key, { type, bytes }] of entries) parts.push(text(key), u32(type), bytes)
  const data: Buffer[] = []
  let offset = 0
  for (const tensor of tensors) {
    parts.push(text(tensor.name), u32(tensor.shape.length), ...tensor.shape.map(u64))
    parts.push(u32(tensor.type), u64(offset))
    const bytes = tensor.data.subarray(0, Number(dataBytes(tensor)))
    const padded = Buffer.concat([bytes, Buffer.alloc(padding(bytes.length, alignment))])
    data.push(padded)
    offset += padded.length
  }
  const header = Buffer.concat(parts)
  return Buffer.concat([header, Buffer.alloc(padding(header.length, alignment)), ...data])
}

/** The bytes of the file; in one of eight some byte of its header is another. */
export function fuzzBytes(file: FuzzFile, dice: Dice, keepOffsets = dice.chance(10)): Buffer {
  const parts = [Buffer.from('GGUF'), u32(3), u64(file.tensors.length), u64(file.metadata.length)]
  for (const [key, { type, bytes }] of file.metadata) parts.push(text(key), u32(type), bytes)
  const data: Buffer[] = []
  let offset = 0
  for (const tensor of file.tensors) {
    parts.push(text(tensor.name), u32(tensor.shape.length), ...tensor.shape.map(u64))
    parts.push(u32(tensor.type), u64(keepOffsets ? tensor.offset : offset))
    const bytes = keepOffsets ? tensor.data : sized(tensor)
    data.push(bytes)
    offset += bytes.length
  }
  const header = Buffer.concat(parts)
  const padded = Buffer.concat([header, Buffer.alloc(padding(header.length))])
  if (dice.chance(12)) {
    padded[dice.roll(padded.length)] = dice.of([0, 1, 2, 0x7f, 0x80, 0xff, dice.roll(256)])
  }
  return Buffer.concat([padded, ...data])
}

/** Blocks of tensor types by their numbers: elements, bytes. */
const BLOCKS: Record<number, readonly [number, number]> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  8: [32, 34],
  12: [256, 144],
  14: [256, 210],
  24: [1, 1],
  26: [1, 4],
  28: [1, 8],
  30: [1, 2],
}
const TENSOR_TYPES = [0, 1, 2, 3, 6, 8, 10, 12, 14, 16, 20, 24, 25, 26, 27, 28, 30, 34, 39, 40, 42]
/** What a changed tensor may take at most; beyond, the file ends too early. */
const DATA_BYTES_MAX = 16 * 2 ** 20

/** What the tensor's shape and type want. */
function dataBytes({ shape, type }: FuzzTensor): bigint {
  const [block, bytes] = BLOCKS[type] ?? [32, 32]
  const elements = shape.reduce((product, length) => product * length, 1n)
  return (elements / BigInt(block)) * BigInt(bytes)
}

/** The tensor's data as long as its shape wants it, padded. */
function sized(tensor: FuzzTensor): Buffer {
  const { data } = tensor
  const wanted = dataBytes(tensor)
  if (wanted === BigInt(data.length) || wanted > DATA_BYTES_MAX || wanted < 0n) return data
  const length = Number(wanted)
  const result = Buffer.alloc(length + padding(length))
  data.copy(result, 0, 0, Math.min(length, data.length))
  return result
}

const WHOLE = [0, 1, 2, 3, 5, 7, 31, 33, 64, 127, 255, 512, 4097, 2 ** 20, 2 ** 31 - 1, 2 ** 31]
const ODD_WHOLE = [...WHOLE, 2 ** 32 - 1, -1, -2, 2 ** 32, 2 ** 40, 2 ** 53, -(2 ** 31)]
const ODD_REAL = [0, -0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, 3.4e38, NaN, Infinity, -Infinity]
const WORDS = ['', 'none', 'linear', 'yarn', 'longrope', 'gpt2', 'llama', 'bert', 'rwkv', 't5']
const ODD_WORDS = [...WORDS, 'no_vocab', 'mamba', 'gemma3', 'qwen2', 'default', 'x'.repeat(5000)]

function changeEntry(file: FuzzFile, dice: Dice): void {
  const at = dice.roll(file.metadata.length)
  const [key, value] = file.metadata[at] as [string, GgufValue]
  const replace = (next: GgufValue) => file.metadata.splice(at, 1, [key, next])
  const kind = dice.roll(20)
  if (kind === 0) file.metadata.splice(at, 1)
  else if (kind === 1) file.metadata.splice(at, 1, [`${key}x`, value])
  else if (kind <= 4) replace(anyValue(dice))
  else if (value.type === GgufValueType.array) replace(otherArray(value, dice))
  else replace(otherScalar(value, dice))
}

function otherScalar({ type, bytes }: GgufValue, dice: Dice): GgufValue {
  if (type === GgufValueType.string) return ggufText(dice.of(ODD_WORDS))
  if (type === GgufValueType.bool) return { type, bytes: Buffer.from([bytes[0] === 0 ? 1 : 0]) }
  if (type === GgufValueType.float32 || type === 12) return scalar(type, dice.of(ODD_REAL))
  const old = SCALAR_BYTES[type] === 4 ? bytes.readUInt32LE() : (bytes[0] as number)
  const near = [old * 2, Math.floor(old / 2), old + 1, old - 1, old * 3]
  return scalar(type, dice.of(dice.chance(50) ? near : ODD_WHOLE))
}

function anyValue(dice: Dice): GgufValue {
  const kind = dice.roll(10)
  if (kind < 4) return scalar(dice.of([4, 5, 4, 10, 11, 2, 0]), dice.of(ODD_WHOLE))
  if (kind < 6) return scalar(dice.of([6, 12]), dice.of(ODD_REAL))
  if (kind === 6) return { type: GgufValueType.bool, bytes: Buffer.from([dice.roll(2)]) }
  if (kind === 7) return ggufText(dice.of(ODD_WORDS))
  const length = dice.of([0, 1, 2, 3, 4, 5, 22, 512, 513])
  const type = dice.of([4, 5, 6, 7, 8])
  const values = type === 6 ? ODD_REAL : WHOLE
  const same = dice.of(values)
  const elements = Array.from({ length }, () => {
    if (type === 8) return text(dice.of(WORDS))
    return scalar(type, dice.chance(70) ? same : dice.of(values)).bytes
  })
  return arrayOf(type, elements)
}

/** Another length, another type of its elements, or another element. */
function otherArray({ type, bytes }: GgufValue, dice: Dice): GgufValue {
  const elementType = bytes.readUInt32LE(0)
  const elements = elementsOf(bytes)
  const kind = dice.roll(6)
  const at = dice.roll(Math.max(1, elements.length))
  const other = () => {
    if (elementType === GgufValueType.string) return text(dice.of(WORDS))
    if (elementType === 6) return scalar(6, dice.of(ODD_REAL)).bytes
    return scalar(elementType, dice.of(ODD_WHOLE)).bytes
  }
  if (kind === 0) return arrayOf(elementType, elements.slice(0, at))
  if (kind === 1) return arrayOf(elementType, [...elements, other()])
  if (kind === 2 && SCALAR_BYTES[elementType] === 4) {
    return { type, bytes: Buffer.concat([u32(dice.of([4, 5, 6])), bytes.subarray(4)]) }
  }
  if (elements.length === 0) return arrayOf(elementType, [other()])
  const next = [...elements]
  next[at] = other()
  if (kind === 3) next.fill(next[at] as Buffer)
  return arrayOf(elementType, next)
}

function elementsOf(bytes: Buffer): Buffer[] {
  const at = new Cursor(bytes, 0)
  const type = at.u32()
  return Array.from({ length: Number(at.u64()) }, () => at.value(type))
}

/** Keys that llama.cpp reads of many architectures, without their prefix. */
const OPTIONAL_KEYS = [
  'vocab_size',
  'embedding_length_out',
  'features_length',
  'feed_forward_length',
  'expert_feed_forward_length',
  'leading_dense_block_count',
  'use_parallel_residual',
  'expert_count',
  'expert_used_count',
  'expert_shared_count',
  'expert_group_count',
  'expert_group_used_count',
  'expert_weights_scale',
  'expert_weights_norm',
  'expert_gating_func',
  'moe_every_n_layers',
  'interleave_moe_layer_step',
  'nextn_predict_layers',
  'pooling_type',
  'logit_scale',
  'residual_scale',
  'embedding_scale',
  'attn_logit_softcapping',
  'final_logit_softcapping',
  'router_logit_softcapping',
  'swin_norm',
  'token_shift_count',
  'full_attention_interval',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.max_alibi_bias',
  'attention.clamp_kqv',
  'attention.key_length',
  'attention.value_length',
  'attention.key_length_mla',
  'attention.value_length_mla',
  'attention.key_length_swa',
  'attention.value_length_swa',
  'attention.layer_norm_epsilon',
  'attention.layer_norm_rms_epsilon',
  'attention.group_norm_epsilon',
  'attention.group_norm_groups',
  'attention.causal',
  'attention.sliding_window',
  'attention.sliding_window_pattern',
  'attention.shared_kv_layers',
  'attention.scale',
  'attention.output_scale',
  'attention.temperature_length',
  'attention.temperature_scale',
  'attention.recurrent_layers',
  'rope.dimension_count',
  'rope.dimension_count_swa',
  'rope.dimension_sections',
  'rope.freq_base',
  'rope.freq_base_swa',
  'rope.scale_linear',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scaling.alpha',
  'rope.scaling.attn_factor',
  'rope.scaling.original_context_length',
  'rope.scaling.finetuned',
  'rope.scaling.yarn_log_multiplier',
  'rope.scaling.yarn_ext_factor',
  'rope.scaling.yarn_attn_factor',
  'rope.scaling.yarn_beta_fast',
  'rope.scaling.yarn_beta_slow',
  'ssm.conv_kernel',
  'ssm.inner_size',
  'ssm.state_size',
  'ssm.time_step_rank',
  'ssm.group_count',
  'ssm.dt_b_c_rms',
  'classifier.output_labels',
  'block_count',
  'context_length',
  'embedding_length',
]
const OTHER_KEYS = [
  'general.alignment',
  'general.architecture',
  'general.file_type',
  'split.no',
  'split.count',
  'split.tensors.count',
  'adapter.type',
  'tokenizer.ggml.model',
  'tokenizer.ggml.pre',
  'tokenizer.ggml.tokens',
  'tokenizer.ggml.token_type',
  'tokenizer.ggml.token_type_count',
  'tokenizer.ggml.scores',
  'tokenizer.ggml.merges',
  'tokenizer.ggml.bos_token_id',
  'tokenizer.ggml.eos_token_id',
  'tokenizer.ggml.eot_token_id',
  'tokenizer.ggml.unknown_token_id',
  'tokenizer.ggml.seperator_token_id',
  'tokenizer.ggml.padding_token_id',
  'tokenizer.ggml.mask_token_id',
  'tokenizer.ggml.fim_pre_token_id',
  'tokenizer.ggml.add_bos_token',
  'tokenizer.ggml.add_eos_token',
  'tokenizer.ggml.add_sep_token',
  'tokenizer.ggml.add_space_prefix',
  'tokenizer.ggml.remove_extra_whitespaces',
  'tokenizer.ggml.precompiled_charsmap',
  'tokenizer.chat_template',
]

function addEntry(file: FuzzFile, dice: Dice): void {
  const prefix = architectureOf(file)
  const key = dice.chance(75) ? `${prefix}.${dice.of(OPTIONAL_KEYS)}` : dice.of(OTHER_KEYS)
  const isReal = /epsilon|scale|softcapping|alibi|clamp|freq|factor|alpha|yarn|temperature/.test(
    key,
  )
  let value = anyValue(dice)
  if (isReal && dice.chance(70)) value = scalar(6, dice.of(ODD_REAL))
  else if (/scaling\.type|\.model$|\.pre$|template/.test(key)) value = ggufText(dice.of(ODD_WORDS))
  else if (key === 'general.alignment') value = scalar(4, 2 ** dice.roll(32))
  else if (!isReal && dice.chance(60)) value = scalar(4, dice.of(ODD_WHOLE))
  const at = file.metadata.findIndex(([name]) => name === key)
  if (at >= 0) file.metadata.splice(at, 1, [key, value])
  else file.metadata.push([key, value])
}

function architectureOf(file: FuzzFile): string {
  const found = file.metadata.find(([key]) => key === 'general.architecture')
  return found?.[1].bytes.toString('latin1', 8) ?? 'llama'
}

function changeTensor(file: FuzzFile, dice: Dice): void {
  const at = dice.roll(file.tensors.length)
  const tensor = file.tensors[at] as FuzzTensor
  const lengths = [0n, 1n, 2n, 31n, 32n, 256n, 2n ** 31n, 2n ** 32n, 2n ** 62n, 2n ** 63n, -1n]
  const i = dice.roll(Math.max(1, tensor.shape.length))
  const old = tensor.shape[i] ?? 1n
  switch (dice.roll(9)) {
    case 0:
    case 1:
      tensor.type = dice.chance(95) ? dice.of(TENSOR_TYPES) : dice.roll(256)
      break
    case 2:
    case 3: {
      const next = dice.of([old * 2n, old / 2n, old + 32n, old - 32n, old + 1n, ...lengths])
      tensor.shape = tensor.shape.with(i, BigInt.asUintN(64, next))
      break
    }
    case 4:
      tensor.shape = dice.of([
        tensor.shape.slice(1),
        [...tensor.shape, dice.of([1n, 2n, 3n])],
        [...tensor.shape].reverse(),
        [tensor.shape.reduce((product, length) => product * length, 1n)],
        [1n, ...tensor.shape],
      ])
      break
    case 5:
      tensor.offset = BigInt.asUintN(
        64,
        tensor.offset + BigInt(dice.of([1, 16, 32, 64, -32, 2 ** 40])),
      )
      break
    case 6:
      file.tensors.splice(at, 1)
      break
    case 7:
      tensor.name = otherName(tensor.name, dice)
      break
    default:
      file.tensors.push({ ...tensor, name: otherName(tensor.name, dice) })
  }
}

function otherName(name: string, dice: Dice): string {
  const optional = ['attn_q.bias', 'attn_qkv.weight', 'attn_q_norm.weight', 'ffn_gate_inp.weight']
  const whole = ['rope_freqs.weight', 'output.weight', 'cls.weight', 'cls.output.weight']
  return dice.of([
    `${name}x`,
    '',
    name.replace(/\d+/, (digits) => `${Number(digits) + 1}`),
    name.replace(/weight$/, 'bias'),
    `blk.0.${dice.of([...optional, 'attn_sinks.weight', 'attn_output.bias', 'ffn_up.bias'])}`,
    dice.of([...whole, 'token_embd_norm.weight', 'position_embd.weight', 'token_types.weight']),
  ])
}

function scalar(type: number, value: number): GgufValue {
  const bytes = Buffer.alloc(SCALAR_BYTES[type] as number)
  const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n
  if (type === 6) bytes.writeFloatLE(value)
  else if (type === 12) bytes.writeDoubleLE(value)
  else {
    const eight = Buffer.alloc(8)
    eight.writeBigUInt64LE(BigInt.asUintN(64, whole))
    eight.copy(bytes, 0, 0, bytes.length)
  }
  return { type, bytes }
}

function ggufText(value: string): GgufValue {
  return { type: GgufValueType.string, bytes: text(value) }
}

function arrayOf(type: number, elements: Buffer[]): GgufValue {
  const bytes = Buffer.concat([u32(type), u64(elements.length), ...elements])
  return { type: GgufValueType.array, bytes }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
  return bytes
}

function padding(length: number, alignment = 32): number {
  return (alignment - (length % alignment)) % alignment
}
