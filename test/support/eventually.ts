import { setTimeout as sleep } from 'node:timers/promises'

/** How often slower everything is than usual: see scripts/test-sanitizers.mjs. */
const slowness = Number(process.env.SLUICE_TEST_SLOWNESS ?? 1)

/**
 * Waits until `holds` does, by looking again and again; fails with `message` after `limitMs`, or
 * later by as often as everything is slower. The limit is for what never comes, and no measure of
 * speed: a test's own limit (vitest.config.ts) is a little longer.
 */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  message: string | (() => string) = 'it never came true',
  limitMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + limitMs * slowness
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(typeof message === 'string' ? message : message())
    }
    await sleep(1)
  }
}

/** Lets everything that is ready in this process happen: `turns` rounds of the event loop. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
