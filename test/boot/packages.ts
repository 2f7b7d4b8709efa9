import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPackage } from '../../packaging/debian/package.ts'
import { builtExecutable } from '../executable.ts'

/** Packages as they are released, and such as must never be. */
export interface Packages {
  readonly first: string
  /** The same program under a later version. */
  readonly next: string
  /** Finds no fault with itself, and then does not start. */
  readonly broken: string
  /** Finds fault with itself. */
  readonly unfit: string
}

export async function buildPackages(dir: string): Promise<Packages> {
  const executable = await builtExecutable('x64')
  const stub = async (name: string, script: string): Promise<string> => {
    const path = join(dir, name)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return path
  }
  await mkdir(dir, { recursive: true })
  const make = async (version: string, program: string): Promise<string> =>
    (await buildPackage({ arch: 'x64', version, executable: program, out: dir, quick: true })).package
  return {
    first: await make('0.1.0', executable),
    next: await make('0.1.1', executable),
    broken: await make('0.1.2', await stub('broken', '[ "$1" = self-check ]')),
    unfit: await make('0.1.3', await stub('unfit', 'echo "the addon does not load" >&2; exit 1')),
  }
}
