/** Words for the effort of reasoning that templates rarely know, and the nearest that many do. */
const efforts: Readonly<Record<string, string>> = { minimal: 'low', xhigh: 'high', max: 'high' }

export function nearestEffort(word: string): string {
  return Object.hasOwn(efforts, word) ? (efforts[word] as string) : word
}
