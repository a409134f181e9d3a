import * as yoctocolors from 'yoctocolors'

/**
 * Colours for stderr. yoctocolors honours NO_COLOR and TERM but does not look at where the text
 * goes; FORCE_COLOR has them in a file as well.
 */
const wanted = process.stderr.isTTY || Boolean(process.env.FORCE_COLOR)
const plain = (text: string): string => text

export const colours = {
  red: wanted ? yoctocolors.red : plain,
  green: wanted ? yoctocolors.green : plain,
  yellow: wanted ? yoctocolors.yellow : plain,
  dim: wanted ? yoctocolors.dim : plain,
}
