import { type FileHandle, open } from 'node:fs/promises'

/** What a GGUF file says of how its positions are scaled, to reach beyond the trained context. */
interface RopeScaling {
  readonly factor: number
  /** Tokens of context before it was scaled; undefined where the file does not say. */
  readonly originalContext: number | undefined
}

/**
 * Reads it from a file's header; undefined where there is none, or where the header is not read as
 * far as that: whoever loads the file says what is wrong with it.
 */
export async function readRopeScaling(path: string): Promise<RopeScaling | undefined> {
  try {
    const file = await open(path)
    try {
      return ropeScalingOf(await readNumbers(new Header(file)))
    } finally {
      await file.close()
    }
  } catch {
    return undefined // as said above
  }
}

const ropeKey = /^[^.]+\.rope\.(scaling\.(type|factor|original_context_length)|scale_linear)$/

function ropeScalingOf(metadata: ReadonlyMap<string, number | string>): RopeScaling | undefined {
  const find = (name: string) => {
    return [...metadata].find(([key]) => key.endsWith(`.rope.${name}`))?.[1]
  }
  // As llama.cpp takes it: by position where the file has a factor and no type.
  const factor = Number(find('scaling.factor') ?? find('scale_linear') ?? 1)
  if (find('scaling.type') === 'none' || !(factor > 1)) return undefined
  const original = find('scaling.original_context_length')
  return { factor, originalContext: original === undefined ? undefined : Number(original) }
}

/** Bytes of the scalar types, by their numbers in the format. */
const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]
const [uint32, int32, float32, text, list, uint64, float64] = [4, 5, 6, 8, 9, 10, 12]

async function readNumbers(header: Header): Promise<Map<string, number | string>> {
  const found = new Map<string, number | string>()
  await header.skip(16) // magic, version and number of tensors
  for (let left = await header.uint64(); left > 0; left--) {
    const key = await header.text()
    const type = await header.uint32()
    if (ropeKey.test(key)) found.set(key, await readValue(header, type))
    else await skipValue(header, type)
  }
  return found
}

async function readValue(header: Header, type: number): Promise<number | string> {
  if (type === text) return header.text()
  const bytes = await header.take(scalarBytes[type] ?? 0)
  if (type === uint32) return bytes.readUInt32LE()
  if (type === int32) return bytes.readInt32LE()
  if (type === float32) return bytes.readFloatLE()
  if (type === uint64) return Number(bytes.readBigUInt64LE())
  return type === float64 ? bytes.readDoubleLE() : Number.NaN
}

async function skipValue(header: Header, type: number): Promise<void> {
  if (type === text) return header.skip(await header.uint64())
  if (type !== list) return header.skip(scalarBytes[type] ?? 0)
  const itemType = await header.uint32()
  const items = await header.uint64()
  if (itemType !== text) return header.skip(items * (scalarBytes[itemType] ?? 0))
  for (let left = items; left > 0; left--) await header.skip(await header.uint64())
}

/** A file's bytes from its first on, in pieces: a vocabulary may have megabytes. */
class Header {
  static readonly #pieceBytes = 256 * 1024
  readonly #file: FileHandle
  #piece = Buffer.alloc(0)
  /** Where the piece stands in the file, and how much of it is read. */
  #start = 0
  #read = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.#read + bytes > this.#piece.length) await this.#refill(bytes)
    const taken = this.#piece.subarray(this.#read, this.#read + bytes)
    this.#read += bytes
    return taken
  }

  async skip(bytes: number): Promise<void> {
    this.#read += bytes
  }

  async uint32(): Promise<number> {
    return (await this.take(4)).readUInt32LE()
  }

  async uint64(): Promise<number> {
    return Number((await this.take(8)).readBigUInt64LE())
  }

  async text(): Promise<string> {
    return (await this.take(await this.uint64())).toString('utf8')
  }

  async #refill(bytes: number): Promise<void> {
    this.#start += this.#read
    this.#read = 0
    const length = Math.max(bytes, Header.#pieceBytes)
    const { buffer, bytesRead } = await this.#file.read(
      Buffer.alloc(length),
      0,
      length,
      this.#start,
    )
    if (bytesRead < bytes) throw new Error('the file ends within its header')
    this.#piece = buffer.subarray(0, bytesRead)
  }
}
