/** What llama.cpp's line on a model says: "llama 1B Q4_K - Medium". */
interface Described {
  readonly architecture: string
  readonly quant: string
}

export function describedModel({ description }: { readonly description: string }): Described {
  const [, architecture, quant] = /^(\S+) \S+ (.+)$/.exec(description) ?? []
  return { architecture: architecture ?? description, quant: quant ?? 'unknown' }
}

const sizes: Readonly<Record<string, string>> = { Small: 'S', Medium: 'M', Large: 'L' }

/** The quant as files are named by it: `Q4_K_M` of "Q4_K - Medium", and `F32` of "all F32". */
export function quantName(quant: string): string {
  const plain = quant.replace(/ \(guessed\)$/, '').replace(/^all /, '')
  const [, name = plain, size = ''] = /^(\w+) - (\w+)/.exec(plain) ?? []
  // llama.cpp's files of that quant have no letter for their size.
  if (plain === 'Q2_K - Medium') return name
  return size in sizes ? `${name}_${sizes[size]}` : (name.split(' ')[0] ?? name)
}

/** Numbers of a model as its users say them: `1.2B`, `25M`. */
export function parametersText(count: number): string {
  const [unit, letter] = count >= 1e9 ? [1e9, 'B'] : count >= 1e6 ? [1e6, 'M'] : [1e3, 'K']
  const short = count / unit
  return `${short >= 100 ? Math.round(short) : Math.round(10 * short) / 10}${letter}`
}
