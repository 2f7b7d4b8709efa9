import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NotFound } from '../../../core/errors.ts'
import { moveIfExists } from '../../../core/files.ts'

/** A certificate that an OPC UA server has shown, or, `own`, that the box shows them. */
export interface ServerCertificate {
  state: 'own' | 'trusted' | 'rejected'
  /** SHA-1 in hexadecimal, as the tools of OPC UA show it. */
  thumbprint: string
  fingerprint256: string
  subject: string
  notAfter: string
}

interface Found extends ServerCertificate {
  folder: string
  name: string
}

const folders = { own: 'own/certs', trusted: 'trusted/certs', rejected: 'rejected' } as const

export const certificates = async (dir: string): Promise<ServerCertificate[]> =>
  (await all(dir)).map(({ folder: _where, name: _file, ...certificate }) => certificate)

/** Takes a rejected certificate, or one that is trusted already, by its SHA-1 or SHA-256. */
export async function trust(dir: string, fingerprint: string): Promise<ServerCertificate> {
  const wanted = fingerprint.replaceAll(/[:\s]/g, '').toUpperCase()
  const found = (await all(dir))
    .filter(({ state }) => state !== 'own')
    .find((each) => each.thumbprint === wanted || each.fingerprint256.replaceAll(':', '') === wanted)
  if (!found)
    throw new NotFound(
      `no server has shown a certificate with the fingerprint ${fingerprint}; "edgeward source trust" lists them`,
    )
  const { folder, name, ...certificate } = found
  if (found.state === 'trusted') return certificate
  const trusted = join(dir, folders.trusted)
  await mkdir(trusted, { recursive: true, mode: 0o700 })
  await moveIfExists(join(folder, name), join(trusted, name))
  return { ...certificate, state: 'trusted' }
}

async function all(dir: string): Promise<Found[]> {
  const found: Found[] = []
  for (const state of ['own', 'trusted', 'rejected'] as const) {
    const folder = join(dir, folders[state])
    for (const name of await names(folder)) {
      const certificate = parsed(await readFile(join(folder, name)))
      if (certificate) found.push({ ...essentials(certificate), state, folder, name })
    }
  }
  return found
}

const essentials = ({ fingerprint, fingerprint256, subject, validTo }: X509Certificate) => ({
  thumbprint: fingerprint.replaceAll(':', ''),
  fingerprint256,
  subject: subject.replaceAll('\n', ', '),
  notAfter: new Date(validTo).toISOString(),
})

async function names(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [] // no server has been met
    throw error
  }
}

/** Somebody may have put another file there. */
function parsed(file: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(file)
  } catch {
    return undefined
  }
}
