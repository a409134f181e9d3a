/** GET /health when requests are served; otherwise it is an error with the reason in `code`. */
export const healthy = { status: 'ok' } as const
