import { X509Certificate } from 'node:crypto'
import { lstat, open, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Places } from '../../main.ts'
import { asJson, type Part } from './part.ts'

/** What lies in the state directory: names, sizes, versions; of contents the certificates alone. */
export function stateParts({ stateDir }: Places): Part[] {
  return [
    { path: 'state/files.txt', about: 'names, sizes and rights', collect: () => listing(stateDir) },
    {
      path: 'state/databases.json',
      about: 'versions of the schemas, sizes',
      collect: () => databases(stateDir),
    },
    { path: 'state/certificates.txt', about: 'public certificates', collect: () => certificates(stateDir) },
  ]
}

const mostFiles = 5_000

async function listing(dir: string): Promise<string> {
  const found = await readdir(dir, { recursive: true })
  const lines = await Promise.all(
    ['.', ...found.sort().slice(0, mostFiles)].map(async (name) => {
      const stats = await lstat(join(dir, name)).catch(() => undefined) // a journal comes and goes
      if (!stats) return ''
      const { mode, uid, gid, size, mtime } = stats
      const cells = [(mode & 0o7777).toString(8).padStart(4, '0'), `${uid}:${gid}`, String(size).padStart(12)]
      return `${stats.isDirectory() ? 'd' : '-'}${cells.join(' ')} ${mtime.toISOString()} ${name}\n`
    }),
  )
  const left = found.length - mostFiles
  return `${dir}\n${lines.join('')}${left > 0 ? `and ${left} more\n` : ''}`
}

/** From the header of the file, so that no lock is taken: what a log beside it holds is not seen. */
async function databases(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter((name) => /\.db(\.corrupt-.*)?$/.test(name))
  const described = await Promise.all(
    names.sort().map(async (name) => {
      const path = join(dir, name)
      const header = await firstBytes(path, 100)
      const log = await lstat(`${path}-wal`).catch(() => undefined)
      const isDatabase = header.toString('latin1', 0, 15) === 'SQLite format 3'
      return {
        ...{ name, bytes: (await lstat(path)).size, logBytes: log?.size, isDatabase },
        ...(isDatabase
          ? {
              userVersion: header.readUInt32BE(60),
              pageSize: header.readUInt16BE(16),
              pages: header.readUInt32BE(28),
            }
          : {}),
      }
    }),
  )
  return asJson(described)
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
  return buffer.subarray(0, bytesRead)
}

const pem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

async function certificates(stateDir: string): Promise<string> {
  const dir = join(stateDir, 'pki')
  const paths = (await readdir(dir, { recursive: true }))
    .filter((name) => name.endsWith('.crt'))
    .sort()
    .map((name) => join(dir, name))
  const described = await Promise.all(
    paths.map(async (path) => {
      const found = (await readFile(path, 'utf8')).match(pem) ?? []
      return `${relative(stateDir, path)}\n${found.map(describe).join('\n')}\n`
    }),
  )
  return described.join('\n')
}

function describe(text: string): string {
  const { subject, issuer, validFrom, validTo, serialNumber, subjectAltName, fingerprint256 } =
    new X509Certificate(text)
  const told = { subject, issuer, validFrom, validTo, serialNumber, subjectAltName, fingerprint256 }
  const lines = Object.entries(told).map(([name, value]) => `  ${name}: ${value?.replaceAll('\n', ', ')}`)
  return [...lines, text].join('\n')
}
