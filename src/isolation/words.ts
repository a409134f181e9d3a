import type { Exit } from './engine-process.js'

/** What a signal mostly means here. */
const meanings: Readonly<Record<string, string>> = {
  SIGABRT: 'an assertion failed, which stderr tells',
  SIGKILL: 'by hand, or by the system where memory ran out',
  SIGBUS: 'a mapped file was cut or could not be read',
}

/** How a process ended: the rest of a sentence of which it is the subject. */
export function exitInWords({ code, signal, error }: Exit): string {
  if (error !== undefined) return `could not be started: ${error.message}`
  if (signal === null) return `ended with exit code ${code}`
  const meaning = meanings[signal]
  return `was ended by ${signal}${meaning === undefined ? '' : ` (${meaning})`}`
}

export function lossInWords(words: string, reason: 'begun' | 'twice'): string {
  const death = `the engine's process ${words}`
  if (reason === 'begun') return `${death}; this reply had begun and is lost; ask for it again`
  return `${death}, for the second time since this was asked for, which may be the cause`
}

/** As the engine says it (native/engine/step-loop.cpp and embed/embedder.cpp). */
export function lateInWords(kind: string, deadlineMs: number): string {
  if (kind === 'embed') return `its turn did not come within ${deadlineMs} ms; try again later`
  return `no slot became free within ${deadlineMs} ms; try again later or raise parallel`
}
