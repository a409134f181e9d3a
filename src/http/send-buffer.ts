import type { Server } from 'node:net'
import { binding } from '../binding/binding.js'

/**
 * Sets the send buffer of a listening socket, for accepted connections to inherit. Node has no
 * call for it; the addon has. Where the descriptor cannot be had (Windows, a cluster's worker),
 * the server warns and goes on: a reader who stops is then noticed some megabytes later.
 */
export function limitSendBuffer(server: Server, bytes: number): void {
  if (bytes === 0) return
  try {
    binding().setSendBuffer(descriptorOf(server), bytes)
  } catch (error) {
    process.emitWarning('the send buffer stays as the system set it', {
      code: 'SLUICE_SEND_BUFFER',
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}

function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { _handle?: { fd?: number } | null }
  const fd = handle?.fd
  if (fd === undefined || fd < 0) throw new Error('the listening socket shows no descriptor')
  return fd
}
