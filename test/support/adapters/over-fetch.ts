/** Every server of a file's tests is a fetch handler behind a bridge. */
import { beforeEach } from 'vitest'
import { useFetchHandler } from './adapter.js'
import { reasonToSkip } from './exceptions.js'

useFetchHandler()

beforeEach(({ task, skip }) => {
  const reason = reasonToSkip(task.name)
  if (reason !== undefined) skip(reason)
})
