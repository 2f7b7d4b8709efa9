import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The certificates of this box as they lie in `pki/`. */
export interface Pki {
  ca?: X509Certificate
  server?: X509Certificate
  key?: KeyObject
  /** What is missing or cannot be read, in words; what was never made is none. */
  faults: string[]
}

export async function readPki(stateDir: string): Promise<Pki> {
  const dir = join(stateDir, 'pki')
  const faults: string[] = []
  async function read<T>(name: string, parse: (pem: string) => T): Promise<T | undefined> {
    const path = join(dir, name)
    try {
      return parse(await readFile(path, 'utf8'))
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      const why =
        code === 'ENOENT'
          ? 'is missing'
          : /^E[A-Z]+$/.test(code)
            ? `cannot be read: ${message}`
            : 'is damaged'
      faults.push(`${path} ${why}`)
      return undefined
    }
  }
  const ca = await read('ca.crt', (pem) => new X509Certificate(pem))
  const server = await read('server.crt', (pem) => new X509Certificate(pem))
  const key = await read('server.key', createPrivateKey)
  return { ...(ca ? { ca } : {}), ...(server ? { server } : {}), ...(key ? { key } : {}), faults }
}
