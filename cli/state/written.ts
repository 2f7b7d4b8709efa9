import { type Manifest, writeBackup } from '../../backup/index.ts'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { release } from '../../core/release.ts'
import type { Places } from '../../main.ts'
import type { Role } from '../places.ts'
import { stateKind } from './kind.ts'
import { takeSnapshot } from './snapshot.ts'

/** What is to be backed up; plain data, so that another process can be told. */
export interface Writing {
  role: Role
  places: Places
  passphrase: string
  madeAt: number
  withOutbox: boolean
}

export interface Written {
  about: Omit<Manifest, 'format' | 'files'>
  bytes: number
}

/** Doublings in scrypt: 128 MiB, and a third of a second of a PC. */
const work = 17

/** Encrypts a copy of the state into an open file. */
export async function writeState(
  { role, places, passphrase, madeAt, withOutbox }: Writing,
  fd: number,
): Promise<Written> {
  const kind = await stateKind(role, createLog('silent'))
  await using snapshot = await takeSnapshot(kind, places, { withOnDemand: withOutbox })
  const { dir } = snapshot
  const about = { role, release, madeAt, ...(await kind.whose(dir)) }
  const bytes = await writeBackup({ random: systemRandom }, { dir, fd, about }, { passphrase, work })
  return { about, bytes }
}
