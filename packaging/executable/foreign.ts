import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './bundle.ts'

export type Arch = 'x64' | 'arm64'

const run = promisify(execFile)
const cache = join(root, 'node_modules', '.cache', 'edgeward-foreign')

/**
 * Packages for another processor than this one, which npm does not install: fetched in the version of the
 * lock file, and taken only with the hash that stands there. Folders, in the order of the names.
 */
export async function foreignPackages(names: readonly string[]): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock
  const folders: string[] = []
  for (const name of names) {
    const locked = lock.packages[`node_modules/${name}`]
    if (!locked) throw new Error(`package-lock.json knows no ${name}`)
    folders.push(await fetched(name, locked))
  }
  return folders
}

interface Locked {
  version: string
  /** `sha512-…`, base64. */
  integrity: string
}

type Lock = { packages: Record<string, Locked | undefined> }

async function fetched(name: string, { version, integrity }: Locked): Promise<string> {
  const folder = join(cache, `${name.replaceAll('/', '+')}-${version}`)
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  await mkdir(draft, { recursive: true })
  try {
    const { stdout } = await run('npm', [
      'pack',
      '--silent',
      '--pack-destination',
      draft,
      `${name}@${version}`,
    ])
    const archive = join(draft, stdout.trim())
    const hash = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`
    if (hash !== integrity)
      throw new Error(`${name}@${version}: ${hash}, and package-lock.json has ${integrity}`)
    await run('tar', ['-xzf', archive, '-C', draft])
    await rename(join(draft, 'package'), folder)
    return folder
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}
