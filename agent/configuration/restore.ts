import type { Clock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { readFileIfExists, removeFile } from '../../core/files.ts'
import { parseJson } from '../../core/schema.ts'
import { parseDataSourceConfiguration } from '../../protocol/data-source-configuration.ts'
import type { Adoption } from './adoption.ts'
import { versionOf } from './candidate.ts'
import { ConfigurationNotKept, type Content, digestOf, type Versions } from './versions.ts'

/** What was in force when the process ended is so again. `formerPath`: where releases before kept it. */
export async function restore(
  { versions, adoption, clock }: { versions: Versions; adoption: Adoption; clock: Clock },
  formerPath: string,
): Promise<void> {
  const { active: number, versions: known, ...kept } = versions.current()
  const inHistory = number === undefined ? undefined : await versions.content(number)
  const content =
    inHistory ?? (known.length === 0 ? await takeOver({ versions, clock }, formerPath) : undefined)
  if (content && adoption.restore(content)) return
  if (content) adoption.restore({ local: content.local }) // what the box itself has may fit all the same
  if (number === undefined) return
  // What the hub has is considered anew. A disk that is full must not keep the box from starting.
  await versions.save({ ...kept, versions: known, seen: {} }).catch(unlessRetryable)
}

function unlessRetryable(error: unknown): void {
  if (!(error instanceof ConfigurationNotKept)) throw error
}

/** As long as it cannot be written, the former file stays and is read at the next start again. */
async function takeOver(
  { versions, clock }: { versions: Versions; clock: Clock },
  path: string,
): Promise<Content | undefined> {
  const document = await readFormer(path)
  if (document === undefined) return undefined
  const content: Content = { hub: document, local: [] }
  const candidate = { origin: 'hub', content, seen: {} } as const
  const number = versions.current().next
  const version = { ...versionOf(candidate, number, clock.now()), state: 'active', wasActive: true } as const
  const kept = { next: number + 1, active: number, seen: { hub: digestOf(document) }, versions: [version] }
  await versions
    .save(kept, { number, content })
    .then(() => removeFile(path))
    .catch(unlessRetryable)
  return content
}

async function readFormer(path: string) {
  try {
    const text = await readFileIfExists(path)
    return text === undefined ? undefined : parseDataSourceConfiguration(parseJson(text, path), path)
  } catch (error) {
    if (error instanceof Invalid) return undefined // the hub has it too
    throw error
  }
}
