// A recording as an SVG that moves by itself, without scripts: it shows in a README on GitHub and
// on npm. Who asked for less motion sees the last screen.

/** @typedef {import('./screen.mjs').Piece} Piece */

const fontSize = 14
const columnWidth = 8.4
const rowHeight = 19
const padding = 16
/** Milliseconds: what comes within it appears together. */
const frame = 60
/** How long the last screen stays, before it begins again. */
const restMs = 5000

const styleSheet = `
  .window { fill: #f6f8fa; stroke: #d1d9e0 }
  text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
    fill: #1f2328; white-space: pre }
  .dim { fill: #59636e } .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #7d4e00 }
  .gone { opacity: 0 }
  @media (prefers-color-scheme: dark) {
    .window { fill: #151b23; stroke: #3d444d }
    text { fill: #f0f6fc }
    .dim { fill: #9198a1 } .red { fill: #ff7b72 } .green { fill: #3fb950 } .yellow { fill: #d29922 }
  }
`

/**
 * @param {readonly Piece[]} pieces
 * @param {{ columns: number, title: string }} options
 */
export function pictureOf(pieces, { columns, title }) {
  const drawn = pieces.filter(({ text }) => text.trim() !== '').map(inFrames)
  const shown = drawn.filter(({ from, until }) => until !== from)
  const rows = Math.max(...shown.map(({ row }) => row)) + 1
  const width = rounded(columns * columnWidth + 2 * padding)
  const height = rows * rowHeight + 2 * padding
  const lastMs = Math.max(...shown.map(({ from }) => from))
  const durationMs = lastMs + restMs
  const moments = new Map(shown.map((piece) => [momentOf(piece), piece]))
  const names = new Map([...moments.keys()].map((moment, i) => [moment, `m${i}`]))
  const keyframes = [...moments].map(([moment, { from, until }]) => {
    return `  @keyframes ${names.get(moment)} { ${stepsOf(from, until, durationMs)} }`
  })
  const texts = shown.map((piece) => textOf(piece, `${names.get(momentOf(piece))}`))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`,
    `  width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${styleSheet}  @media (prefers-reduced-motion: no-preference) {`,
    `    text { animation: ${durationMs}ms step-end infinite }\n  }`,
    ...keyframes,
    '</style>',
    `<rect class="window" x="0.5" y="0.5" width="${width - 1}"` +
      ` height="${height - 1}" rx="8"/>`,
    ...texts,
    '</svg>',
    '',
  ].join('\n')
}

/**
 * @param {Piece} piece
 * @returns {Piece}
 */
function inFrames(piece) {
  const round = (/** @type {number} */ ms) => Math.round(ms / frame) * frame
  const { from, until } = piece
  return { ...piece, from: round(from), until: until === undefined ? until : round(until) }
}

/** @param {Piece} piece */
function momentOf({ from, until }) {
  return `${from}-${until ?? ''}`
}

/**
 * Opacity over the whole, which begins again.
 * @param {number} from
 * @param {number | undefined} until
 * @param {number} durationMs
 */
function stepsOf(from, until, durationMs) {
  const at = (/** @type {number} */ ms) => `${rounded((ms / durationMs) * 100)}%`
  const hidden = from === 0 ? '' : '0% { opacity: 0 } '
  const gone = until === undefined ? 'to { opacity: 1 }' : `${at(until)}, to { opacity: 0 }`
  return `${hidden}${at(from)} { opacity: 1 } ${gone}`
}

/**
 * @param {Piece} piece
 * @param {string} animation
 */
function textOf({ row, column, text, style, until }, animation) {
  const classes = [style, until === undefined ? '' : 'gone'].filter((name) => name !== '').join(' ')
  const x = rounded(padding + column * columnWidth)
  const y = padding + row * rowHeight + fontSize
  const width = rounded([...text].length * columnWidth)
  // Fonts differ in width; a character alone needs no more than its place.
  const length = text.length > 1 ? ` textLength="${width}" lengthAdjust="spacingAndGlyphs"` : ''
  const place = `x="${x}" y="${y}"${length} style="animation-name:${animation}"`
  return `<text${classes === '' ? '' : ` class="${classes}"`} ${place}>${escaped(text)}</text>`
}

/** @param {number} number */
function rounded(number) {
  return Math.round(number * 100) / 100
}

/** @param {string} text */
function escaped(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
