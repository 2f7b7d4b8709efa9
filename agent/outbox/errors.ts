import { EdgeError } from '../../core/errors.ts'

export const outboxCorrupt = 'outbox_corrupt'

/** The file is not a database, or no longer a whole one. It is set aside and a new one is begun. */
export class OutboxCorrupt extends EdgeError {
  override readonly name = 'OutboxCorrupt'
  readonly code = outboxCorrupt
  override readonly cure = 'Check the disk; the file was set aside and collecting goes on in a new one.'
}
