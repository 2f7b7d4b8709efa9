import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../core/clock.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const folders = [
  'agent',
  'backup',
  'broker',
  'certs',
  'cli',
  'console',
  'core',
  'edge-auth',
  'hub',
  'packaging',
  'protocol',
]
const files = ['package.json', 'package-lock.json']

/**
 * The single executable of what the sources say now. Built once: test files that run at the same time
 * wait for the first of them.
 */
export async function builtExecutable(arch: 'x64' | 'arm64'): Promise<string> {
  const path = join(root, 'dist', `linux-${arch}`, 'edgeward')
  await using _turn = await ourTurn(join(root, 'dist', `.${arch}.building`))
  if ((await changedAt(path)) < (await newestSource()))
    await run(process.execPath, [join(root, 'packaging', 'executable', 'build.ts'), '--arch', arch])
  return path
}

/** A folder can be made by one only. One that is left behind by a test that was killed is taken over. */
async function ourTurn(lock: string): Promise<AsyncDisposable> {
  await mkdir(join(lock, '..'), { recursive: true })
  for (;;) {
    const isOurs = await mkdir(lock).then(
      () => true,
      () => false,
    )
    if (isOurs) return { [Symbol.asyncDispose]: () => rm(lock, { recursive: true, force: true }) }
    const takenAt = await changedAt(lock)
    // 0: it has just been given back, and may be somebody else's by now.
    if (takenAt > 0 && systemClock.now() - takenAt > 120_000) await rm(lock, { recursive: true, force: true })
    await systemClock.sleep(200)
  }
}

const changedAt = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).mtimeMs
  } catch {
    return 0
  }
}

async function newestSource(): Promise<number> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
        () => [],
      )
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    }),
  )
  const own = (await readdir(root)).filter((name) => name.endsWith('.ts')).concat(files)
  const paths = [...found.flat(), ...own.map((name) => join(root, name))].filter(
    (path) => !path.endsWith('.test.ts'),
  )
  return Math.max(...(await Promise.all(paths.map(changedAt))))
}
