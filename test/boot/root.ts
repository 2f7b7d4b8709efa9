import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'edgeward-boot')

/** What a Debian 12 has that was just installed, with what our package asks for and no more. */
const packages = ['systemd', 'systemd-sysv', 'dbus']

/** A tar archive of its root. Made once: from then on nothing is fetched. */
export async function debianRoot(): Promise<string> {
  const archive = join(cache, 'bookworm.tar')
  if (existsSync(archive)) return archive
  await mkdir(cache, { recursive: true })
  const draft = join(cache, `draft-${process.pid}.tar`)
  await run('mmdebstrap', [
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    '--aptopt=Acquire::Languages "none"',
    'bookworm',
    draft,
  ])
  await rename(draft, archive)
  return archive
}
