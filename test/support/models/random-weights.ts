/** Seeded weights in the types that test models come in; a million takes some milliseconds. */
import { type TensorType, tensorBytes } from './gguf-writer.js'

/** xorshift32: good enough for weights, and fast in plain JavaScript. */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1
  }

  /** Fills with 32 random bits each. */
  fill(words: Uint32Array): void {
    let x = this.state
    for (let i = 0; i < words.length; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      words[i] = x
    }
    this.state = x >>> 0
  }
}

/** Evenly spread around 0 with the given standard deviation. */
export function randomTensor(
  random: Random,
  type: TensorType,
  shape: number[],
  deviation: number,
): Uint8Array {
  const bytes = tensorBytes(type, shape)
  if (type === 'q8_0') return randomQ8(random, bytes, deviation)
  const words = new Uint32Array(bytes / (type === 'f32' ? 4 : 2))
  random.fill(words)
  // Evenly spread over [-a, a] has a deviation of a / sqrt(3).
  const scale = (deviation * Math.sqrt(3)) / 2 ** 31
  return type === 'f32' ? asFloats(words, scale) : asHalves(words, scale)
}

export function constantTensor(length: number, value: number): Uint8Array {
  return new Uint8Array(new Float32Array(length).fill(value).buffer)
}

/** Blocks of a half-precision scale and 32 signed bytes; the bytes' own deviation is about 73.6. */
function randomQ8(random: Random, bytes: number, deviation: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  random.fill(words)
  const data = new Uint8Array(words.buffer, 0, bytes)
  // -128 is a value that quantization never writes.
  for (let i = 0; i < bytes; i++) if (data[i] === 0x80) data[i] = 0x81
  const scale = toHalf(deviation / 73.6)
  for (let block = 0; block < bytes; block += 34) {
    data[block] = scale & 0xff
    data[block + 1] = scale >> 8
  }
  return data
}

function asFloats(words: Uint32Array, scale: number): Uint8Array {
  const floats = new Float32Array(words.length)
  for (let i = 0; i < floats.length; i++) floats[i] = ((words[i] as number) | 0) * scale
  return new Uint8Array(floats.buffer)
}

function asHalves(words: Uint32Array, scale: number): Uint8Array {
  // 4,096 different weights are plenty, and save the conversion of each.
  const table = Uint16Array.from({ length: 4096 }, (_, i) => toHalf((i - 2047.5) * 2 ** 20 * scale))
  const halves = new Uint16Array(words.length)
  for (let i = 0; i < halves.length; i++) halves[i] = table[(words[i] as number) >>> 20] as number
  return new Uint8Array(halves.buffer)
}

/** The bits of the nearest half-precision number towards zero; small ones become 0. */
export function toHalf(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] as number
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15
  if (exponent >= 31) throw new RangeError(`${value} is too large for half precision`)
  if (exponent <= 0) {
    const shift = 14 - exponent
    return shift > 24 ? sign : sign | (((bits & 0x7fffff) | 0x800000) >>> shift)
  }
  return sign | (exponent << 10) | ((bits >>> 13) & 0x3ff)
}
