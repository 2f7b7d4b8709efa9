import { EdgeError } from '../../core/errors.ts'
import { decodeBody, type Runs } from '../../protocol/columns.ts'
import type { Pending } from '../outbox/index.ts'
import type { Verdicts } from './far-side.ts'

/** The batches of a message; one that no longer can be read is given up, so that it blocks nothing. */
export function batchesOf(message: Pending, { rejected }: Verdicts): Runs[] | undefined {
  const { epoch, seq, count, names, body } = message
  const texts = new Map(names)
  try {
    return decodeBody(body, (alias) => texts.get(alias)).batches
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    rejected(epoch, [[seq, seq + count - 1]], error.message)
    return undefined
  }
}
