import type { PullProgress } from '../../api/pull-types.js'
import type { Frames, StreamedAnswer } from '../../web/answer.js'
import { jsonLines } from '../../web/replies.js'
import { errorLine, line } from './errors.js'

/** What a client reads of a pull. */
interface Progress {
  readonly status: string
  /** What tells this file's progress from others'. */
  readonly digest?: string
  readonly total?: number
  readonly completed?: number
}

export const success: Progress = { status: 'success' }

/**
 * The lines of a pull: of what a slow reader has not taken, the newest of each status. All that say
 * for how long nothing arrives count as one, since there is no end of them.
 */
export class PullLines implements Frames {
  readonly done: Promise<void>
  #last: Progress = { status: 'pulling manifest' }
  readonly #waiting = new Map([[this.#last.status, this.#last]])
  #total = 0
  #isOver = false
  #resolve!: () => void
  #reject!: (error: unknown) => void
  #wake: () => void = () => undefined

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => undefined) // whoever waits for it is told, and a stream asks later
  }

  tell(progress: PullProgress): void {
    if (progress.phase === 'found') this.#total = progress.totalBytes
    this.#last = this.#lineOf(progress)
    const kind = progress.phase === 'waiting' ? progress.phase : this.#last.status
    this.#waiting.delete(kind) // so that it comes behind what was told before it
    this.#waiting.set(kind, this.#last)
    this.#wake()
  }

  end(): void {
    this.#isOver = true
    this.#resolve()
    this.#wake()
  }

  fail(error: unknown): void {
    this.#isOver = true
    this.#reject(error)
    this.#wake()
  }

  answer(): StreamedAnswer {
    return {
      status: 200,
      headers: jsonLines,
      opening: () => '',
      frames: this,
      ping: () => line(this.#last),
      errorFrame: errorLine,
    }
  }

  async next(): Promise<IteratorResult<string, string>> {
    for (;;) {
      for (const [kind, one] of this.#waiting) {
        this.#waiting.delete(kind)
        return { done: false, value: line(one) }
      }
      if (this.#isOver) {
        await this.done
        return { done: true, value: line(success) }
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The call's signal ends the pull; the next one goes on from there. */
  return(): void {
    this.#waiting.clear()
  }

  #lineOf(progress: PullProgress): Progress {
    switch (progress.phase) {
      case 'found':
        return { status: `pulling ${progress.name}`, total: this.#total }
      case 'downloading': {
        const { file, bytes, totalBytes: total } = progress
        return { status: `pulling ${file}`, digest: file, total, completed: bytes }
      }
      case 'checking': {
        const { file, bytes } = progress
        return { status: `verifying ${file}`, digest: file, total: this.#total, completed: bytes }
      }
      case 'waiting':
      case 'note':
        return { status: progress.message }
    }
  }
}
