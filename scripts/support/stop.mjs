/** What a person can mend: printed without a stack. Anything else is a bug and keeps its stack. */
export class Stop extends Error {}

/**
 * Runs a script's main function and turns its end into an exit code.
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  try {
    const code = await main()
    if (code !== undefined) process.exitCode = code
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof Stop ? `\nsluice: ${error.message}` : error)
  }
}
