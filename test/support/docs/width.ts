const proseWidthMax = 120

/** The numbers, from 1, of lines of prose that are too wide. Tables and code may be wide. */
export function wideProse(text: string): number[] {
  // What is no prose is left blank, so that lines keep their numbers.
  const prose = text.replace(/^ *```[\s\S]*?^ *```$/gm, (block) => block.replace(/[^\n]/g, ''))
  return prose.split('\n').flatMap((line, i) => {
    const isTable = line.trimStart().startsWith('|')
    return isTable || [...line].length <= proseWidthMax ? [] : [i + 1]
  })
}
