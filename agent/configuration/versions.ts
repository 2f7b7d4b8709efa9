import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Type, { type Static } from 'typebox'
import { EdgeError } from '../../core/errors.ts'
import { ensurePrivateDir, readFileIfExists, removeFile, writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { DataSource, DataSourceConfiguration } from '../../protocol/data-source-configuration.ts'

const VersionState = Type.Enum(['trial', 'active', 'replaced', 'reverted', 'refused'])

/** What became of a configuration. */
const Version = Type.Object({
  number: Type.Integer(),
  /** What was new: the hub's part, that of the local files, or nothing but the order to go back. */
  origin: Type.Enum(['hub', 'local', 'revert']),
  at: Type.Integer(),
  state: VersionState,
  /** It was in force, now or before. */
  wasActive: Type.Optional(Type.Boolean()),
  eTag: Type.Optional(Type.String()),
  configurationId: Type.Optional(Type.String()),
  dataSources: Type.Integer(),
  reason: Type.Optional(Type.String()),
  faults: Type.Optional(
    Type.Array(Type.Object({ source: Type.Optional(Type.String()), fault: Type.String() })),
  ),
})
export type Version = Static<typeof Version>
export type VersionFault = NonNullable<Version['faults']>[number]

/** What is to be measured: what the hub said, and what local files say. */
const Content = Type.Object({
  hub: Type.Optional(DataSourceConfiguration),
  local: Type.Array(DataSource),
})
export type Content = Static<typeof Content>
export const nothing: Content = { local: [] }

/** Digests of what was considered last; only what differs is considered again. */
const Seen = Type.Object({ hub: Type.Optional(Type.String()), local: Type.Optional(Type.String()) })

const Kept = Type.Object({
  next: Type.Integer({ minimum: 1 }),
  active: Type.Optional(Type.Integer()),
  /** How often it was begun. */
  trial: Type.Optional(Type.Object({ number: Type.Integer(), attempts: Type.Integer(), seen: Seen })),
  seen: Seen,
  versions: Type.Array(Version),
})
export type Kept = Static<typeof Kept>

/** The configurations that there were, on disk. Throws the retryable `ConfigurationNotKept`. */
export interface Versions {
  current(): Kept
  /** Undefined when it is no longer there or cannot be read. */
  content(number: number): Promise<Content | undefined>
  /** Writes the content, where there is one, before what refers to it. */
  save(kept: Kept, added?: { number: number; content: Content }): Promise<void>
  /** As if there had never been one; the numbers go on. */
  clear(): Promise<void>
}

export class ConfigurationNotKept extends EdgeError {
  override readonly name = 'ConfigurationNotKept'
  readonly code = 'configuration_not_kept'
  override readonly retryable = true
}

export const keptVersions = 10

const parseKept = parser(Kept)
const parseContent = parser(Content)

export async function openVersions({ log }: { log: Logger }, { dir }: { dir: string }): Promise<Versions> {
  await ensurePrivateDir(join(dir, 'versions'))
  const index = join(dir, 'history.json')
  const pathOf = (number: number) => join(dir, 'versions', `${number}.json`)
  let current: Kept = (await readOrForget(index, parseKept, log)) ?? { next: 1, seen: {}, versions: [] }

  async function save(kept: Kept, added?: { number: number; content: Content }): Promise<void> {
    const versions = newestOf(kept)
    const next = { ...kept, versions }
    if (added) await write(pathOf(added.number), added.content)
    await write(index, next)
    const gone = current.versions.filter(({ number }) => !versions.some((each) => each.number === number))
    current = next
    for (const { number } of gone) await removeFile(pathOf(number)).catch(() => {}) // takes room, no more
  }

  return {
    current: () => current,
    content: (number) => readOrForget(pathOf(number), parseContent, log),
    save,
    clear: () => save({ next: current.next, seen: {}, versions: [] }),
  }
}

/** The one in force is never dropped. */
function newestOf({ versions, active }: Kept): Version[] {
  const newest = versions.slice(-keptVersions)
  const inForce = versions.find(({ number }) => number === active)
  return inForce && !newest.includes(inForce) ? [inForce, ...newest.slice(1)] : newest
}

/** A file that cannot be read is no reason not to start: the hub has the configuration too. */
async function readOrForget<T>(
  path: string,
  parse: (data: unknown, what: string) => T,
  log: Logger,
): Promise<T | undefined> {
  try {
    const text = await readFileIfExists(path)
    return text === undefined ? undefined : parse(parseJson(text, path), path)
  } catch (error) {
    log.error({ err: error }, 'kept data source configuration cannot be read; waiting for the hub')
    return undefined
  }
}

async function write(path: string, document: unknown): Promise<void> {
  try {
    await writeFileAtomic(path, JSON.stringify(document))
  } catch (cause) {
    throw new ConfigurationNotKept(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}

export const digestOf = (document: unknown): string =>
  createHash('sha256').update(JSON.stringify(document)).digest('hex')
