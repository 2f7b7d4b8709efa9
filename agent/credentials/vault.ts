import { join } from 'node:path'
import Type, { type Static } from 'typebox'
import {
  type Disk,
  ensurePrivateDir,
  readFileIfExists,
  removeFile,
  writeFileAtomic,
} from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { IdentityNotSaved, IdentityUnreadable } from '../errors.ts'
import { State } from '../onboarding/machine.ts'
import { digest } from './credential.ts'

/**
 * Where the identity lies. Each state is written to two files, one after the other, with a generation
 * number and a checksum: whatever happens to one of them, before or after, the other one is whole.
 */
export interface Vault {
  /**
   * The newest whole copy; a copy that is damaged, missing or older is made anew. `unboarded` when there
   * is nothing. Throws `IdentityUnreadable` when there is something, but nothing whole.
   */
  load(): Promise<State>
  /** When this resolves, the state is on disk. Throws `IdentityNotSaved`. */
  save(state: State): Promise<void>
}

export interface VaultDeps {
  log: Logger
  disk?: Disk
}

const fileNames = ['identity.1.json', 'identity.2.json'] as const
/** The one file of the first release. */
const formerName = 'identity.json'

const FormerDocument = Type.Object({ version: Type.Literal(1), state: State })
const Document = Type.Object({ version: Type.Literal(2), generation: Type.Integer(), state: State })
type Document = Static<typeof Document>
const parseFormer = parser(FormerDocument)
const parseDocument = parser(Document)

/** What lies at a path. */
type Found = { path: string } & (
  | { is: 'whole'; generation: number; state: State }
  | { is: 'absent' | 'damaged' }
)
type Whole = Extract<Found, { is: 'whole' }>

/** Creates the directory. Keys and tokens lie in it as plain text, readable by the daemon's user alone. */
export async function openVault({ log, disk }: VaultDeps, { dir }: { dir: string }): Promise<Vault> {
  await ensurePrivateDir(dir)
  const paths = fileNames.map((name) => join(dir, name))
  const former = join(dir, formerName)
  let generation = 0
  /** The file whose loss would hurt: never the next to be written. */
  let newest: string | undefined

  async function look(path: string): Promise<Found> {
    const text = await readFileIfExists(path, disk).catch(() => '')
    if (text === undefined) return { path, is: 'absent' }
    const content = path === former ? text : unseal(text)
    if (content === undefined) return { path, is: 'damaged' }
    try {
      const document = parseJson(content, 'identity')
      const { state } = path === former ? parseFormer(document, '') : parseDocument(document, '')
      return { path, is: 'whole', state, generation: (document as Partial<Document>).generation ?? 0 }
    } catch {
      // the parser's message may quote a secret
      throw new IdentityUnreadable(path, 'it is damaged, or of a newer release')
    }
  }

  const write = (path: string, state: State) =>
    writeFileAtomic(path, seal({ version: 2, generation, state }), 0o600, disk)

  /** The state is on disk already; without the second copy it is only less safe. False: not written. */
  const writeCopy = (path: string, state: State): Promise<boolean> =>
    write(path, state).then(
      () => true,
      (err) => {
        log.error({ err, path }, 'copy of the identity not written')
        return false
      },
    )

  async function mend(found: readonly Found[], { path, state }: Whole): Promise<void> {
    let written = true
    for (const other of found) {
      if (other.path === path || (other.is === 'whole' && other.generation === generation)) continue
      if (other.is === 'damaged') log.error({ path: other.path }, 'damaged copy of the identity replaced')
      written = (await writeCopy(other.path, state)) && written
    }
    if (path === former && written) await removeFile(former, disk)
  }

  return {
    async load() {
      const found = await Promise.all(paths.map(look))
      const copies = found.filter((copy) => copy.is === 'whole')
      const last = copies.toSorted((a, b) => b.generation - a.generation)[0] ?? (await look(former))
      if (last.is === 'absent' && found.every(({ is }) => is === 'absent')) return { at: 'unboarded' }
      if (last.is !== 'whole') throw new IdentityUnreadable(dir, 'both copies of the identity are damaged')
      generation = last.generation
      newest = last.path
      await mend(found, last).catch((err) => log.error({ err }, 'former identity file not removed'))
      return last.state
    },

    async save(state) {
      const [first, second] = paths[0] === newest ? paths.toReversed() : paths
      try {
        if (state.at === 'unboarded') {
          for (const path of [first, second, former]) await removeFile(path as string, disk)
          return
        }
        generation++ // also after a failure: what a failed write may have left must not win
        await write(first as string, state)
      } catch (cause) {
        throw new IdentityNotSaved(first as string, cause as Error)
      }
      newest = first
      await writeCopy(second as string, state)
    },
  }
}

/** The checksum on a line of its own, so that it can be checked before anything is understood. */
function seal(document: Document): string {
  const content = `${JSON.stringify(document)}\n`
  return `{"sha256":"${digest(content)}"}\n${content}`
}

function unseal(text: string): string | undefined {
  const end = text.indexOf('\n') + 1
  const content = text.slice(end)
  return text.slice(0, end) === `{"sha256":"${digest(content)}"}\n` ? content : undefined
}
