import { toHalf } from './random-weights.js'

/** Rows of half-precision numbers, all 0 at first. */
export class HalfMatrix {
  readonly #columns: number
  readonly #halves: Uint16Array

  constructor([columns, rows]: [number, number]) {
    this.#columns = columns
    this.#halves = new Uint16Array(columns * rows)
  }

  set(row: number, column: number, value: number): void {
    this.#halves[row * this.#columns + column] = toHalf(value)
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#halves.buffer)
  }
}
