/**
 * A value as JSON that is one line to every client: some split at what Unicode calls a line's
 * end, beside what the format does.
 */
export function oneLine(value: unknown): string {
  const json = JSON.stringify(value)
  if (!/[\u0085\u2028\u2029]/.test(json)) return json
  return json.replace(/[\u0085\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
