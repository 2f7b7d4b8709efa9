import { X509Certificate } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import type { Clock } from '../../../../core/clock.ts'
import { readFileIfExists } from '../../../../core/files.ts'
import type { WireFault } from '../messages.ts'

/** Whom the box trusts among OPC UA servers, and by which certificate they know the box. */
export class TrustList extends OPCUACertificateManager {
  /** What was not trusted. */
  rejected: WireFault['certificate']

  override async rejectCertificate(certificate: Buffer | Buffer[]): Promise<void> {
    const first = Array.isArray(certificate) ? certificate[0] : certificate
    if (first) {
      const { fingerprint, subject } = new X509Certificate(first)
      this.rejected = {
        thumbprint: fingerprint.replaceAll(':', ''),
        subject: subject.replaceAll('\n', ', '),
      }
    }
    await super.rejectCertificate(certificate)
  }
}

export const applicationName = 'edgeward'
export const applicationUri = (): string => `urn:${hostname()}:${applicationName}`

/** Opened for each connection, so that it knows what was trusted a moment ago. */
export async function openTrustList(dir: string): Promise<TrustList> {
  const list = new TrustList({
    rootFolder: dir,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  })
  await list.initialize()
  await forgetOldest(join(dir, 'rejected'))
  return list
}

const dayMs = 86_400_000
const lifeDays = 3_650

/** The path of the box's certificate, made where there is none that is valid now. */
export async function ownCertificate(list: TrustList, dir: string, clock: Clock): Promise<string> {
  const path = join(dir, 'own', 'certs', 'edgeward.pem')
  const pem = await readFileIfExists(path)
  if (pem !== undefined && isValid(pem, clock.now())) return path
  await rm(path, { force: true })
  await list.createSelfSignedCertificate({
    applicationUri: applicationUri(),
    dns: [hostname()],
    outputFile: path,
    subject: `/O=edgeward/CN=${applicationName}@${hostname()}`,
    // The clock of the server may be behind ours.
    startDate: new Date(clock.now() - dayMs),
    validity: lifeDays,
  })
  return path
}

/** One that was made while the clock of the box was far behind is of no use to anybody. */
function isValid(pem: string, now: number): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(pem)
    return Date.parse(validFrom) <= now && now < Date.parse(validTo)
  } catch {
    return false
  }
}

const maxRejected = 32

/** Who shows us another certificate each time must not fill the disk. */
async function forgetOldest(dir: string): Promise<void> {
  const names = await readdir(dir)
  if (names.length <= maxRejected) return
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), at: (await stat(join(dir, name))).mtimeMs })),
  )
  const oldest = files.toSorted((a, b) => a.at - b.at).slice(0, files.length - maxRejected)
  for (const { path } of oldest) await rm(path, { force: true })
}
