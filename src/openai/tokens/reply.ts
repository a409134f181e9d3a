/** A token and what it writes: text, or its bytes where they are no whole characters. */
interface TokenPiece {
  readonly id: number
  readonly piece: string | number[]
}

/** The body of POST /tokenize. */
export function tokenList(tokens: Int32Array) {
  return { tokens: Array.from(tokens) }
}

/** The same `with_pieces`. */
export function pieceList(tokens: Int32Array, pieces: readonly Uint8Array[]) {
  const pairs = pieces.map((bytes, i): TokenPiece => ({ id: tokens[i] ?? 0, piece: told(bytes) }))
  return { tokens: pairs }
}

function told(bytes: Uint8Array): string | number[] {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : Array.from(bytes)
}
