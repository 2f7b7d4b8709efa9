import Type, { type Static } from 'typebox'
import { parseJson, parser } from '../core/schema.ts'
import { BackupUnreadable, damaged, notOurs } from './errors.ts'

/** The first file of a backup: what it is, and of whom. */
export const manifestName = 'edgeward-backup.json'
const format = 1

const Manifest = Type.Object({
  format: Type.Literal(format),
  role: Type.Enum(['gateway', 'hub']),
  /** That made it. */
  release: Type.String(),
  madeAt: Type.Integer(),
  boxId: Type.Optional(Type.String()),
  agent: Type.Optional(
    Type.Object({
      tenant: Type.String(),
      agentId: Type.String(),
      credentialIssuedAt: Type.Integer(),
    }),
  ),
  files: Type.Array(Type.Object({ name: Type.String(), size: Type.Integer({ minimum: 0 }) })),
})
export type Manifest = Static<typeof Manifest>

const parse = parser(Manifest)

/** Throws `BackupUnreadable`. */
export function readManifest(text: string): Manifest {
  const document = read(text) as { format?: unknown } | null
  if (typeof document?.format === 'number' && document.format !== format)
    throw new BackupUnreadable(
      'backup_version',
      `the backup is of format ${document.format}; this release knows ${format}`,
      'Restore it with the release that made it, or a newer one.',
    )
  try {
    return parse(document, 'the backup')
  } catch (error) {
    throw damaged(`its list of contents: ${(error as Error).message}`, error)
  }
}

function read(text: string): unknown {
  try {
    return parseJson(text, manifestName)
  } catch {
    throw notOurs('it holds something else')
  }
}
