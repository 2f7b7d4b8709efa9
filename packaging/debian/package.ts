import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { filesOf } from './contents.ts'
import { layOut } from './tree.ts'

const run = promisify(execFile)

export const repository = join(import.meta.dirname, '..', '..')

/** What Node calls a processor, and what Debian calls it. */
export const architectures = { x64: 'amd64', arm64: 'arm64' } as const
export type Arch = keyof typeof architectures
export const isArch = (text: string): text is Arch => text in architectures

export interface PackageOptions {
  readonly arch: Arch
  /** Of the package; that of package.json unless given. */
  readonly version?: string
  readonly executable: string
  /** A directory. */
  readonly out: string
  /** Compresses little. */
  readonly quick: boolean
}

export interface BuiltPackage {
  readonly package: string
  readonly version: string
  readonly architecture: string
}

/** Writes the package into the directory. */
export async function buildPackage(options: PackageOptions): Promise<BuiltPackage> {
  const version = debianVersion(options.version ?? (await ownVersion()))
  const architecture = architectures[options.arch]
  const path = join(options.out, `edgeward_${version}_${architecture}.deb`)
  const madeAt = await sourceDate()
  const tree = await mkdtemp(join(tmpdir(), 'edgeward-deb-'))
  try {
    const { executable } = options
    await layOut(tree, await filesOf({ repository, version, architecture, executable, madeAt }))
    // Compressed in threads or not, the bytes are the same.
    const compression = options.quick ? ['-Zzstd', '-z3'] : ['-Zxz', '-z6']
    await run('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, path], {
      env: { ...process.env, SOURCE_DATE_EPOCH: `${madeAt / 1000}` },
    })
  } finally {
    await rm(tree, { recursive: true })
  }
  return { package: path, version, architecture }
}

/** In a version of Debian a tilde comes before the release, a hyphen after it. */
export const debianVersion = (version: string): string => version.replaceAll('-', '~')

async function ownVersion(): Promise<string> {
  return JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')).version
}

/** Epoch milliseconds. */
async function sourceDate(): Promise<number> {
  const { SOURCE_DATE_EPOCH: given } = process.env
  if (given !== undefined) return Number(given) * 1000
  const { stdout } = await run('git', ['-C', repository, 'log', '-1', '--format=%ct'])
  return Number(stdout) * 1000
}
