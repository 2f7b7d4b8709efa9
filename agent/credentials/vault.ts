import { join } from 'node:path'
import Type from 'typebox'
import { ensurePrivateDir, readFileIfExists, removeFile, writeFileAtomic } from '../../core/files.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { IdentityNotSaved, IdentityUnreadable } from '../errors.ts'
import { State } from '../onboarding/machine.ts'

/** Where the identity lies: one document, so that one atomic write is one change of state. */
export interface Vault {
  /** `unboarded` when there is nothing. Throws `IdentityUnreadable` for anything but a whole identity. */
  load(): Promise<State>
  /** When this resolves, the state is on disk. Throws `IdentityNotSaved`. */
  save(state: State): Promise<void>
}

const parseDocument = parser(Type.Object({ version: Type.Literal(1), state: State }))

/** Creates the directory. Keys and tokens lie in it as plain text, readable by the daemon's user alone. */
export async function openVault(dir: string): Promise<Vault> {
  await ensurePrivateDir(dir)
  const path = join(dir, 'identity.json')
  return {
    async load() {
      const text = await readFileIfExists(path).catch((error: Error) => {
        throw new IdentityUnreadable(path, error.message)
      })
      if (text === undefined) return { at: 'unboarded' }
      try {
        return parseDocument(parseJson(text, 'identity'), 'identity').state
      } catch {
        // the parser's message may quote a secret
        throw new IdentityUnreadable(path, 'it is damaged, or of a newer release')
      }
    },
    async save(state) {
      try {
        if (state.at === 'unboarded') await removeFile(path)
        else await writeFileAtomic(path, JSON.stringify({ version: 1, state }))
      } catch (cause) {
        throw new IdentityNotSaved(path, cause as Error)
      }
    },
  }
}
