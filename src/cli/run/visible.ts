const symbols = 0x2400 // U+2400 is the picture of the control character 0, and so on
const pictureOfDelete = '\u2421'

/**
 * A model's text as it may go to a terminal. A model can write control characters, or repeat those
 * of a text that it was given: sequences that colour, move the cursor, rename the window or fill
 * the clipboard. They are shown and do nothing; tabs and line breaks stay.
 */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, shown)
}

function shown(character: string): string {
  const code = character.charCodeAt(0)
  if (character === '\n' || character === '\t') return character
  if (character === '\r') return '' // of a line break of two, or else it would go back to its start
  if (code < 0x20) return String.fromCharCode(symbols + code)
  return code === 0x7f ? pictureOfDelete : `\\x${code.toString(16)}`
}
