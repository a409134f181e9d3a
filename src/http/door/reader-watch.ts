/** Looks per deadline: a stall is seen at most a quarter late. */
const looks = 4

/** How far the reader of an answer is. */
interface ReaderState {
  /** Whether something waits for it. */
  readonly isBehind: boolean
  /** What it took, in any unit. */
  readonly taken: number
}

/**
 * Calls `onStall` once the reader was behind for `stallMs` and took nothing. Returns what ends the
 * watch.
 * @param look undefined where there is no reader any more
 */
export function watchReader(
  look: () => ReaderState | undefined,
  stallMs: number,
  onStall: () => void,
): () => void {
  let taken = look()?.taken
  let still = 0
  const timer = setInterval(() => {
    const now = look()
    still = now?.isBehind && now.taken === taken ? still + 1 : 0
    taken = now?.taken
    if (now !== undefined && still < looks) return
    clearInterval(timer)
    if (now !== undefined) onStall()
  }, stallMs / looks)
  timer.unref()
  return () => clearInterval(timer)
}
