import * as yoctocolors from 'yoctocolors'

type Colour = 'red' | 'green' | 'yellow' | 'dim'
export type Colours = Readonly<Record<Colour, (text: string) => string>>

/** Text as it is, where colours are not wanted. */
export const noColours: Colours = { red: String, green: String, yellow: String, dim: String }

/**
 * Colours for what is written there. yoctocolors honours NO_COLOR and TERM but does not look at
 * where the text goes; FORCE_COLOR has them in a file as well.
 */
export function coloursFor(output: { readonly isTTY?: boolean }): Colours {
  return output.isTTY || process.env.FORCE_COLOR ? yoctocolors : noColours
}

/** For stderr. */
export const colours = coloursFor(process.stderr)
