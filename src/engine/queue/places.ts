/** A queue, and who asks for a place in it. */
interface Asked {
  /** Places that are taken. */
  readonly taken: number
  /** Of them, those of the owner that asks. */
  readonly ofOwner: number
  /** Places that there are for all. */
  readonly max: number
  /** Of them, those for requests that wait. */
  readonly queue: number
}

/** The part of a queue that there is beside it, for owners that have nothing in it. */
const kept = 1 / 8

/**
 * Whether there is a place. Where all are taken, by one owner maybe, some more are left for the
 * first request of another.
 */
export function hasPlace({ taken, ofOwner, max, queue }: Asked): boolean {
  return taken < (ofOwner > 0 ? max : max + Math.ceil(queue * kept))
}
