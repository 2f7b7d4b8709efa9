import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeviceError } from './device-error.ts'
import { forgetfulMemory, openMemory } from './memory.ts'

/** Where sources find what is not in their configuration. */
export interface Places {
  /** Files that hold secrets of far sides, each named by the configuration. */
  credentialsDir: string
  /** What sources have to know again after a restart. */
  memoryDir: string
  /** Certificates of this box, and those that it trusts. */
  pkiDir: string
}

/** Name of a credential: a file, and never a way to another directory. */
export const credentialName = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$'

/** The text of a credential, without the white space around it. Throws `DeviceError`. */
export async function readCredential(dir: string, name: string): Promise<string> {
  const path = join(dir, name)
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException
    throw new DeviceError('no_credential', `the credential ${path} cannot be read (${code})`, {
      cause,
      cure: 'Put the secret into this file on the box, and let the user that edgeward runs as read it.',
    })
  }
}

const usualCredentialsDir = '/etc/edgeward/credentials'
const usualPkiDir = '/var/lib/edgeward/pki'

/** What the context of a source has of it. */
export const belongings = (places: Places | undefined, source: string) => ({
  credential: (name: string) => readCredential(places?.credentialsDir ?? usualCredentialsDir, name),
  memory: places ? openMemory(places.memoryDir, source) : forgetfulMemory(),
  pkiDir: places?.pkiDir ?? usualPkiDir,
})
