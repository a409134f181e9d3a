import { types } from 'node:util'

/**
 * What a value is, whichever realm it comes from: in Jest, in `vm` contexts and in web pages of
 * Electron each realm has classes of its own, of which `instanceof` knows only one's own.
 */

/** Also a DOMException, which is what an AbortSignal's reason mostly is. */
export function isError(value: unknown): value is Error {
  if (value instanceof Error || types.isNativeError(value)) return true
  return Object.prototype.toString.call(value) === '[object DOMException]'
}

/** An array of whole numbers, of up to 32 bits each. A Buffer is none: it mostly holds a text. */
export function isIntegerArray(
  value: unknown,
): value is Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array {
  if (Buffer.isBuffer(value)) return false
  if (types.isInt32Array(value) || types.isUint32Array(value)) return true
  if (types.isInt16Array(value) || types.isUint16Array(value)) return true
  return types.isInt8Array(value) || types.isUint8Array(value)
}

export function isInt32Array(value: unknown): value is Int32Array {
  return types.isInt32Array(value)
}

/** Of an event target, a page's or Node's. */
export function isEvent(value: unknown): boolean {
  if (value instanceof Event) return true
  const event = value as Partial<Event> | null | undefined
  return typeof event?.type === 'string' && typeof event.preventDefault === 'function'
}

export function isUrl(value: unknown): value is URL {
  return (
    value instanceof URL ||
    (Object.prototype.toString.call(value) === '[object URL]' &&
      typeof (value as Partial<URL>).href === 'string')
  )
}
