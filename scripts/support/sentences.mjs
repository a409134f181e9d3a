// Sentences of a Markdown page, for a limit to their length.

/** Words of a sentence at most, where it can be. */
export const wordsMax = 25

/**
 * The sentences of a page's prose that have more words than that. Code in words is one word;
 * blocks of code, comments and addresses of links are none.
 *
 * @param {string} markdown
 * @returns {{ words: number, sentence: string }[]}
 */
export function longSentences(markdown) {
  return sentencesOf(markdown)
    .map((sentence) => ({ words: sentence.split(/\s+/).filter(isWord).length, sentence }))
    .filter(({ words }) => words > wordsMax)
}

/** @param {string} text */
const isWord = (text) => /[\p{L}\p{N}]/u.test(text)

/** @param {string} markdown @returns {string[]} */
function sentencesOf(markdown) {
  const prose = markdown
    .replace(/^ *```[\s\S]*?^ *```$/gm, '\n')
    .replace(/<!--[\s\S]*?-->/g, '\n')
    .replace(/^(?: {4}.*\n)+/gm, '\n')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`[^`]*`/g, (code) => code.replace(/[\s.?!:|]/g, '_'))
  // A heading, an item of a list and a cell of a table each end what stands before them.
  const pieces = prose.split(/\n\s*\n|\n(?=\s*(?:[-*#>|]|\d+\.) )|(?<!\\)\|/)
  return pieces.flatMap((piece) => {
    const text = piece.replace(/\s+/g, ' ').replace(/\*\*/g, '').trim()
    return text.split(/(?<=[.?!]["”’)]?)\s+(?=["'“(]?[\p{Lu}`_\d])/u).filter((one) => one !== '')
  })
}
