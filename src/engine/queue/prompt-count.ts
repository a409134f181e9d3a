/**
 * Hears how many prompt tokens a call has taken, as far as that is known: the newest number counts.
 * So a call that ends early is counted too.
 */
export type PromptCount = (tokens: number) => void

export const uncounted: PromptCount = () => undefined
