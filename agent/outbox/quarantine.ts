import { access, copyFile, link, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** What moving needs of the disk, so that a test can cut it short at any step. */
export interface Files {
  link(from: string, to: string): Promise<void>
  copy(from: string, to: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Also when there is none. */
  remove(path: string): Promise<void>
  syncDir(path: string): Promise<void>
}

const realFiles: Files = {
  link,
  async copy(from, to) {
    await copyFile(from, to)
    await sync(to)
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDir: sync,
}

/** Beside a database: its write-ahead log, and the index to it, which is made anew. */
const logSuffix = '-wal'
const indexSuffix = '-shm'
/** Beside a broken file of which all that is readable has been taken back. */
const salvagedSuffix = '.salvaged'
const maxKept = 3

/**
 * Renames a database, whole at any moment: its log gets a second name first, then one rename decides, and
 * only then goes the first name of the log. What a cut leaves over is cleared by `clearRemnants`, or by
 * moving it again. Does nothing when there is no such database.
 */
export async function moveDatabase(path: string, aside: string, files: Files = realFiles): Promise<void> {
  if (!(await exists(path))) return
  await files.remove(`${aside}${logSuffix}`)
  if (await exists(`${path}${logSuffix}`))
    await secondName(files, `${path}${logSuffix}`, `${aside}${logSuffix}`)
  await files.syncDir(dirname(aside))
  await files.rename(path, aside)
  for (const dir of new Set([dirname(aside), dirname(path)])) await files.syncDir(dir)
  await removeBeside(path, files)
}

/** Of a database that is no longer there: its log would be taken for that of the next. */
export async function clearRemnants(path: string, files: Files = realFiles): Promise<void> {
  if (!(await exists(path))) await removeBeside(path, files)
}

async function removeBeside(path: string, files: Files): Promise<void> {
  const there = [`${path}${logSuffix}`, `${path}${indexSuffix}`]
  const left = (await Promise.all(there.map(exists))).some((isThere) => isThere)
  if (!left) return
  for (const name of there) await files.remove(name)
  await files.syncDir(dirname(path))
}

/** Where the file system knows no second name, a copy does. */
async function secondName(files: Files, from: string, to: string): Promise<void> {
  await files.link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(error.code ?? '')) throw error
    return files.copy(from, to)
  })
}

/** Sets a broken database aside under a name that says when; only the newest of them are kept. */
export async function quarantine(path: string, now: number, files: Files = realFiles): Promise<string> {
  const aside = await freeName(`${path}.corrupt-${new Date(now).toISOString()}`)
  await moveDatabase(path, aside, files)
  const kept = await quarantined(path)
  for (const log of await logsWithout(path)) await files.remove(log)
  for (const old of kept.slice(0, Math.max(0, kept.length - maxKept))) await remove(old, files)
  return aside
}

/** Broken databases that were set aside, the oldest first. */
export async function quarantined(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.corrupt-`
  const names = await readdir(dirname(path))
  return names
    .filter((name) => name.startsWith(prefix) && /Z(\.\d+)?$/.test(name))
    .sort()
    .map((name) => join(dirname(path), name))
}

/** Second names of logs whose databases were never renamed. */
async function logsWithout(path: string): Promise<string[]> {
  const names = await readdir(dirname(path))
  return names
    .filter((name) => name.startsWith(`${basename(path)}.corrupt-`) && name.endsWith(logSuffix))
    .filter((name) => !names.includes(name.slice(0, -logSuffix.length)))
    .map((name) => join(dirname(path), name))
}

/** Those of which something may still be taken back. */
export async function unsalvaged(path: string): Promise<string[]> {
  const broken = await quarantined(path)
  const marked = await Promise.all(broken.map((file) => exists(salvagedMark(file))))
  return broken.filter((_, k) => !marked[k])
}

/** They go with the database that comes after them: what is in them is of the same agent. */
export async function moveQuarantined(path: string, aside: string, files: Files = realFiles): Promise<void> {
  for (const broken of await quarantined(path)) {
    const to = `${aside}${broken.slice(path.length)}`
    if (await exists(salvagedMark(broken))) await files.rename(salvagedMark(broken), salvagedMark(to))
    await moveDatabase(broken, to, files)
  }
}

export const salvagedMark = (broken: string): string => `${broken}${salvagedSuffix}`

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function remove(broken: string, files: Files): Promise<void> {
  for (const suffix of [logSuffix, indexSuffix, '', salvagedSuffix]) await files.remove(`${broken}${suffix}`)
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Two in one moment, as after a step of the clock, do not overwrite each other. */
async function freeName(name: string): Promise<string> {
  for (let k = 0; ; k++) {
    const candidate = k === 0 ? name : `${name}.${k}`
    if (!(await exists(candidate))) return candidate
  }
}
