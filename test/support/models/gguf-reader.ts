/** Reads the metadata of well-formed GGUF files: enough to copy a tokenizer to another file. */
import { readFileSync } from 'node:fs'
import { type GgufMetadata, type GgufValue, GgufValueType } from './gguf-writer.js'

/** Bytes of the scalar types by their number in the format; strings and arrays have none. */
export const SCALAR_BYTES: Record<number, number> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

export function readGgufMetadata(path: string): GgufMetadata {
  const file = readFileSync(path)
  if (file.toString('latin1', 0, 4) !== 'GGUF') throw new Error(`${path} is not a GGUF file`)
  const metadata: GgufMetadata = new Map()
  let at = 24
  for (let left = u64(file, 16); left > 0; left--) {
    const keyEnd = at + 8 + u64(file, at)
    const key = file.toString('utf8', at + 8, keyEnd)
    const type = file.readUInt32LE(keyEnd)
    at = skip(file, keyEnd + 4, type)
    metadata.set(key, { type, bytes: file.subarray(keyEnd + 4, at) })
  }
  return metadata
}

/** Elements of an array value. */
export function ggufArrayLength(metadata: GgufMetadata, key: string): number {
  const value = metadata.get(key)
  if (value?.type !== GgufValueType.array) throw new Error(`${key} is not an array`)
  return u64(value.bytes, 4)
}

export function ggufStringsOf(metadata: GgufMetadata, key: string): string[] {
  const { bytes } = arrayOf(metadata, key, GgufValueType.string)
  const strings: string[] = []
  for (let at = 12; at < bytes.length; ) {
    const end = at + 8 + u64(bytes, at)
    strings.push(bytes.toString('utf8', at + 8, end))
    at = end
  }
  return strings
}

export function ggufInt32sOf(metadata: GgufMetadata, key: string): number[] {
  const { bytes } = arrayOf(metadata, key, GgufValueType.int32)
  return Array.from({ length: u64(bytes, 4) }, (_, i) => bytes.readInt32LE(12 + i * 4))
}

export function ggufStringOf(metadata: GgufMetadata, key: string): string {
  const value = metadata.get(key)
  if (value?.type !== GgufValueType.string) throw new Error(`${key} is not a string`)
  return value.bytes.toString('utf8', 8)
}

export function ggufUint32Of(metadata: GgufMetadata, key: string): number {
  const value = metadata.get(key)
  if (value?.type !== GgufValueType.uint32) throw new Error(`${key} is not a uint32`)
  return value.bytes.readUInt32LE()
}

function arrayOf(metadata: GgufMetadata, key: string, type: number): GgufValue {
  const value = metadata.get(key)
  if (value?.type !== GgufValueType.array || value.bytes.readUInt32LE() !== type) {
    throw new Error(`${key} is not an array of type ${type}`)
  }
  return value
}

/** Where the value of this type that begins at `at` ends. */
function skip(file: Buffer, at: number, type: number): number {
  if (type === GgufValueType.string) return at + 8 + u64(file, at)
  if (type !== GgufValueType.array) return at + scalarBytes(type)
  const elementType = file.readUInt32LE(at)
  const length = u64(file, at + 4)
  let end = at + 12
  if (elementType !== GgufValueType.string) return end + length * scalarBytes(elementType)
  for (let i = 0; i < length; i++) end += 8 + u64(file, end)
  return end
}

function scalarBytes(type: number): number {
  const bytes = SCALAR_BYTES[type]
  if (bytes === undefined) throw new Error(`unknown GGUF value type ${type}`)
  return bytes
}

function u64(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at))
}
