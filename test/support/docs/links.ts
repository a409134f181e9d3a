/** A page's words: without blocks of code, code in words, and comments. */
function withoutCode(text: string): string {
  return text
    .replace(/^ *```[\s\S]*?^ *```$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/`[^`\n]*`/g, 'code')
}

/** Addresses of a page's links and pictures that are no addresses of the web. */
export function linksOf(text: string): string[] {
  const found = [...withoutCode(text).matchAll(/\]\(([^()\s]+(?:\([^()]*\))?)\)/g)]
  return found.map(([, address = '']) => address).filter((address) => !/^[a-z]+:/.test(address))
}

/** The anchors of a page: those of its headings, as GitHub makes them, and its own (`<a id>`). */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>()
  const headings = text.replace(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#+ (.+)$/gm)
  const own = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)
  const ofHeadings = [...headings].map(([, title = '']) => {
    const words = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
  return [...ofHeadings, ...own]
}
