/** GGUF files that are wrong in one way each, cut from a good one. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** Of this test file; gone when it ends. */
let folder: string | undefined
let files = 0

afterAll(() => {
  if (folder !== undefined) fs.rmSync(folder, { recursive: true })
  folder = undefined
})

/** The file's first `bytes` bytes. @returns the path of the copy */
export function truncatedGguf(path: string, bytes: number): string {
  const copy = copyOf(path)
  fs.truncateSync(copy, bytes)
  return copy
}

/** Another four letters in front. */
export function badMagicGguf(path: string, magic = 'GGML'): string {
  return patchedGguf(path, 0, Buffer.from(magic))
}

export function badVersionGguf(path: string, version: number): string {
  return patchedGguf(path, 4, u32(version))
}

/** The number of tensors as the header states it. */
export function badTensorCountGguf(path: string, tensors: bigint): string {
  return patchedGguf(path, 8, u64(tensors))
}

/** The number of metadata entries as the header states it. */
export function badMetadataCountGguf(path: string, entries: bigint): string {
  return patchedGguf(path, 16, u64(entries))
}

/** The length of the first metadata key. */
export function badKeyLengthGguf(path: string, length: bigint): string {
  return patchedGguf(path, 24, u64(length))
}

/** Where the first tensor's data begins, counted from the start of all data. */
export function badTensorOffsetGguf(path: string, firstTensor: string, offset: bigint): string {
  return patchedGguf(path, tensorOffsetPosition(path, firstTensor), u64(offset))
}

export function textFileAsModel(): string {
  const path = newPath()
  fs.writeFileSync(path, 'milk, bread, a dozen eggs, and something for the fox\n'.repeat(20))
  return path
}

export function emptyFileAsModel(): string {
  const path = newPath()
  fs.writeFileSync(path, '')
  return path
}

/** The file with some bytes in it overwritten. */
export function patchedGguf(path: string, at: number, bytes: Uint8Array): string {
  const copy = copyOf(path)
  const file = fs.openSync(copy, 'r+')
  fs.writeSync(file, bytes, 0, bytes.length, at)
  fs.closeSync(file)
  return copy
}

/** In a description: name, number of dimensions, dimensions, type, offset. */
function tensorOffsetPosition(path: string, name: string): number {
  const file = fs.readFileSync(path)
  const start = file.indexOf(Buffer.concat([u64(BigInt(name.length)), Buffer.from(name)]))
  if (start < 0) throw new Error(`${path} has no tensor ${name}`)
  const dimensions = start + 8 + name.length
  return dimensions + 4 + file.readUInt32LE(dimensions) * 8 + 4
}

function copyOf(path: string): string {
  const copy = newPath()
  fs.copyFileSync(path, copy)
  return copy
}

function newPath(): string {
  folder ??= fs.mkdtempSync(join(tmpdir(), 'sluice-broken-'))
  files++
  return join(folder, `broken-${files}.gguf`)
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
