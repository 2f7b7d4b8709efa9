import { Invalid } from '../../../core/errors.ts'
import { type Body, decodeBody, encodeBody, type Runs } from '../../../protocol/columns.ts'
import type { Name } from '../../../protocol/message.ts'
import { correct } from '../../time/correct.ts'
import type { Proof } from '../../time/guard.ts'
import type { Epoch, Epochs } from './epochs.ts'

/** Bodies of frames, with the names of their epochs. */
export interface Bodies {
  /** Throws `Invalid` for a body that was broken when it was taken in. */
  decode(epoch: Epoch, body: Uint8Array): Runs[]
  /** Of batches, with the names that it uses. */
  encode(epoch: Epoch, batches: Runs[]): { body: Buffer; names: Name[] }
  /** The names that a body uses; all of the epoch when that cannot be told. */
  namesOf(epoch: Epoch, body: Uint8Array): Name[]
  /** With the times that the proof gives it; undefined when it cannot be corrected. */
  corrected(epoch: Epoch, body: Uint8Array, proof: Proof | undefined): Buffer | undefined
}

export function createBodies(epochs: Epochs): Bodies {
  const read = ({ id }: Epoch, body: Uint8Array): Body => decodeBody(body, epochs.textOf(id))

  return {
    decode: (epoch, body) => read(epoch, body).batches,
    encode(epoch, batches) {
      const aliasOf = epochs.aliasIn(epoch.id)
      const used = new Map<string, number>()
      const body = encodeBody({ batches, boot: epoch.boot }, (text) => {
        let alias = used.get(text)
        if (alias === undefined) {
          alias = aliasOf(text)
          used.set(text, alias)
        }
        return alias
      })
      return { body, names: [...used].map(([text, alias]) => [alias, text]) }
    },
    namesOf(epoch, body) {
      const textOf = epochs.textOf(epoch.id)
      const used = new Map<number, string>()
      const told = orUndefined(() =>
        decodeBody(body, (alias) => {
          const text = textOf(alias)
          if (text !== undefined) used.set(alias, text)
          return text
        }),
      )
      return told === undefined ? epochs.names(epoch.id) : [...used]
    },
    corrected(epoch, body, proof) {
      return orUndefined(() => {
        const batches = read(epoch, body).batches.map((batch) =>
          batch.map((run) => ({ ...run, readings: correct(run.readings, proof) })),
        )
        return encodeBody({ batches, boot: epoch.boot }, epochs.aliasIn(epoch.id))
      })
    },
  }
}

/** What cannot be decoded goes as it is: the hub sets it aside; here it would stop the others. */
export function orUndefined<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof Invalid) return undefined
    throw error
  }
}
