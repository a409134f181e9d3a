import { closeSync, openSync, readSync } from 'node:fs'

/**
 * What a prebuilt binary is made for: `linux-x64`, `linux-x64-musl`, `darwin-arm64`. Also the name
 * of the package @sluice/... that holds it.
 */
export function platformName(arch: string = process.arch): string {
  const name = `${process.platform}-${arch}`
  return libc() === 'musl' ? `${name}-musl` : name
}

/** The C library of this process; undefined where there is but one. */
export function libc(): 'glibc' | 'musl' | undefined {
  if (process.platform !== 'linux') return undefined
  return loaderIsMusl() ? 'musl' : 'glibc'
}

/**
 * Whether this program asks for musl's dynamic loader, which it names in its first bytes. One that
 * may not be read counts as most are: an addon of the other kind says itself that it cannot load.
 */
function loaderIsMusl(): boolean {
  try {
    return headOf(process.execPath).includes('/ld-musl-')
  } catch {
    return false // Deno without --allow-read, or a program that may be run only
  }
}

function headOf(program: string): Buffer {
  const head = Buffer.alloc(4096)
  const file = openSync(program, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  return head
}
