import { isError } from '../api/realms.js'

/** What may be told of a fault of the server's own. */
export interface Fault {
  /** Of the error's class. */
  readonly name: string
  /** The error's `code`, where it has one. */
  readonly code: string | undefined
  /** Where it was thrown, one call a line; empty where that is unknown. */
  readonly stack: string
}

/**
 * A thrown value without its message, which may repeat what a request said: V8 puts values into
 * its own ("Cannot create property 'a' on string 'Tell me ...'"), as JSON.parse and Node do.
 */
export function describeFault(thrown: unknown): Fault {
  try {
    return faultOf(thrown)
  } catch {
    return { name: typeof thrown, code: undefined, stack: '' } // a Proxy, or its parts are spoiled
  }
}

function faultOf(thrown: unknown): Fault {
  if (!isError(thrown)) return { name: typeof thrown, code: undefined, stack: '' }
  const { code } = thrown as NodeJS.ErrnoException
  return {
    name: thrown.constructor.name,
    code: typeof code === 'string' ? code : undefined,
    stack: framesOf(thrown).join('\n'),
  }
}

/** The message goes first: its own lines may look like calls. */
function framesOf({ stack = '', message }: Error): string[] {
  const at = stack.indexOf(message)
  if (at < 0) return [] // changed after it was made: what the stack holds is not known
  const calls = stack.slice(at + message.length).split('\n')
  return calls.filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line))
}

/** What of an entry of the log is warned of. */
interface FaultEntry {
  readonly requestId: string
  readonly code: string | undefined
  readonly error?: unknown
}

/** Warns of a fault with what its entry of the log says, where no onLog takes the log. */
export function warnOfFault(entry: FaultEntry): void {
  const { error, code, requestId } = entry
  // The engine's fault is reported once: see onEngineError, and onEvent of models().
  if (error === undefined || isOfModel(code)) return
  process.emitWarning(`request ${requestId} failed`, {
    code: 'SLUICE_REQUEST',
    detail: faultText(error),
  })
}

/** Why a model is not there is told once, and not with each request. */
export function isOfModel(code: string | undefined): boolean {
  return code === 'load_failed' || code === 'model_unusable' || code === 'engine_ended'
}

/** A fault in words, as a warning's detail has it. */
export function faultText(thrown: unknown): string {
  const { name, stack } = describeFault(thrown)
  return `${name}\n${stack}`
}
