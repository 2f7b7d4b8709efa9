import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import type { Places } from '../../main.ts'

/** Larger files are none of those that hold secrets. */
const largest = 1024 * 1024
const mostFiles = 500

/**
 * The secrets that lie on this box in readable form, so that they can be cut wherever they have got to. What
 * cannot be read is left out: who makes the bundle cannot read it into the bundle either.
 */
export async function knownSecrets(
  { stateDir, runtimeDir }: Places,
  config: Config | undefined,
): Promise<(Uint8Array | string)[]> {
  const folders = [
    ...['identity', 'configuration', 'archive', 'pki'].map((name) => join(stateDir, name)),
    ...[config?.agent.boarding_dir, config?.sources.dir].filter((dir) => dir !== undefined),
  ]
  const keys = [config?.certs.server_key, config?.proxy.client_key]
  const documents = [
    ...(await Promise.all(folders.map((folder) => filesIn(folder)))).flat(),
    ...(await Promise.all(keys.filter((path) => path !== undefined).map(read))),
  ]
  const ofDocuments = documents.flatMap((content) => secretsWithin(content?.toString() ?? ''))
  const pin = /pin-source=(?:file:)?([^&;]+)/.exec(config?.certs.ca_key ?? '')?.[1]
  const plain = [
    ...[join(runtimeDir, 'first-admin-code'), '/etc/edgeward/backup-passphrase'],
    ...[config?.proxy.credentials_file, config?.auth.proxy_secret_file, pin].filter(
      (path) => path !== undefined,
    ),
  ]
  const lines = [...(await Promise.all(plain.map(read))), ...(await filesIn('/etc/edgeward/credentials'))]
  const key = await read(join(stateDir, 'kv.key'))
  return [
    ...ofDocuments,
    ...lines.flatMap((content) => secretsOf(content?.toString() ?? '')),
    ...(key ? [key] : []),
  ]
}

/** A file that is a secret, or one on each line, or `user:password`, or a header. */
const secretsOf = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .flatMap((line) => [line, line.slice(line.indexOf(':') + 1).trim()])

const named = /"?([\w-]+)"?\s*[:=]\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*')/g
const secretName = /(secret|passw(or)?d|passphrase|token|authorization|cookie|key|^iat|^d)$/i
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g

/** By the names that stand before them, in JSON and TOML, whole or damaged; and private keys. */
function secretsWithin(text: string): string[] {
  const values = [...text.matchAll(named)]
    .filter(([, name]) => secretName.test(name as string))
    .map(([, , value]) => unquoted(value as string))
  const keys = [...text.matchAll(privateKey)].flatMap(([pem]) => pem.replaceAll('\\n', '\n').split('\n'))
  return [...values, ...keys.filter((line) => !line.startsWith('-----') && line.length > 16)]
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1)
  try {
    return JSON.parse(text) as string
  } catch {
    return text.slice(1, -1)
  }
}

const read = (path: string): Promise<Buffer | undefined> => readFile(path).catch(() => undefined)

async function filesIn(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  const contents: Buffer[] = []
  for (const entry of entries.filter((one) => one.isFile()).slice(0, mostFiles)) {
    const path = join(entry.parentPath, entry.name)
    const { size } = await stat(path).catch(() => ({ size: Number.POSITIVE_INFINITY }))
    const content = size <= largest ? await read(path) : undefined
    if (content) contents.push(content)
  }
  return contents
}
