/** Writes GGUF v3 files: metadata, tensor descriptions, tensors (one in memory at a time). */
import { closeSync, openSync, writeSync } from 'node:fs'

/** Value types of GGUF's metadata, by the numbers of the format. */
export const GgufValueType = {
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
} as const

/** A metadata value as its bytes in the file, without the type in front. */
export interface GgufValue {
  type: number
  bytes: Buffer
}

export type GgufMetadata = Map<string, GgufValue>

export type TensorType = 'f32' | 'f16' | 'q8_0'

export interface TensorSource {
  name: string
  type: TensorType
  /** Fastest running dimension first, as in the file. */
  shape: number[]
  /** Called once, when the tensor's turn comes; returns exactly `tensorBytes` of them. */
  data: () => Uint8Array
}

export interface GgufContent {
  metadata: GgufMetadata
  tensors: TensorSource[]
}

const ALIGNMENT = 32
const TENSOR_TYPES = {
  f32: { id: 0, block: 1, bytes: 4 },
  f16: { id: 1, block: 1, bytes: 2 },
  q8_0: { id: 8, block: 32, bytes: 34 },
}

export function tensorBytes(type: TensorType, shape: number[]): number {
  const { block, bytes } = TENSOR_TYPES[type]
  const elements = shape.reduce((product, length) => product * length, 1)
  return (elements / block) * bytes
}

export function writeGguf(path: string, metadata: GgufMetadata, tensors: TensorSource[]): void {
  const file = openSync(path, 'w')
  try {
    const header = ggufHeader(metadata, tensors)
    writeAll(file, header)
    for (const tensor of tensors) {
      const data = tensor.data()
      const expected = tensorBytes(tensor.type, tensor.shape)
      if (data.byteLength !== expected) {
        throw new Error(`${tensor.name}: expected ${expected} bytes, got ${data.byteLength}`)
      }
      writeAll(file, data)
      writeAll(file, Buffer.alloc(padding(data.byteLength)))
    }
  } finally {
    closeSync(file)
  }
}

/** Everything before the tensors' data, padded to where the data begins. */
export function ggufHeader(
  metadata: GgufMetadata,
  tensors: Pick<TensorSource, 'name' | 'type' | 'shape'>[],
): Buffer {
  const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)]
  for (const [key, value] of metadata) parts.push(text(key), u32(value.type), value.bytes)
  let offset = 0
  for (const { name, type, shape } of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64))
    parts.push(u32(TENSOR_TYPES[type].id), u64(offset))
    offset += tensorBytes(type, shape)
    offset += padding(offset)
  }
  const header = Buffer.concat(parts)
  return Buffer.concat([header, Buffer.alloc(padding(header.length))])
}

export const ggufUint32 = (value: number): GgufValue => ({
  type: GgufValueType.uint32,
  bytes: u32(value),
})

export const ggufFloat32 = (value: number): GgufValue => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return { type: GgufValueType.float32, bytes }
}

export const ggufBool = (value: boolean): GgufValue => ({
  type: GgufValueType.bool,
  bytes: Buffer.from([value ? 1 : 0]),
})

export const ggufString = (value: string): GgufValue => ({
  type: GgufValueType.string,
  bytes: text(value),
})

export const ggufStrings = (values: string[]): GgufValue => ({
  type: GgufValueType.array,
  bytes: Buffer.concat([u32(GgufValueType.string), u64(values.length), ...values.map(text)]),
})

export const ggufInt32s = (values: number[]): GgufValue => ({
  type: GgufValueType.array,
  bytes: Buffer.concat([
    u32(GgufValueType.int32),
    u64(values.length),
    Buffer.from(Int32Array.from(values).buffer),
  ]),
})

function writeAll(file: number, data: Uint8Array): void {
  let written = 0
  while (written < data.byteLength) written += writeSync(file, data, written)
}

function padding(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
