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
  return loaderIsMusl(process.execPath) ? 'musl' : 'glibc'
}

/** Whether a program asks for musl's dynamic loader, which it names in its first bytes. */
function loaderIsMusl(program: string): boolean {
  const head = Buffer.alloc(4096)
  const file = openSync(program, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  return head.includes('/ld-musl-')
}
