import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Invalid } from '../../core/errors.ts'
import { readFileIfExists } from '../../core/files.ts'

const credentialName = 'backup-passphrase'
const fewestCharacters = 12

/**
 * From the file that was named, else from systemd's credential `backup-passphrase`, else asked for on the
 * terminal, twice where a backup is made with it.
 */
export async function readPassphrase({
  file,
  isNew,
}: {
  file: string | undefined
  isNew: boolean
}): Promise<string> {
  const passphrase = (await written(file)) ?? (await typed(isNew))
  if (isNew && passphrase.length < fewestCharacters)
    throw new Invalid(`the passphrase has fewer than ${fewestCharacters} characters`, {
      cure: 'Whoever gets hold of the file may try as many as he likes: "openssl rand -base64 18" makes a good one.',
    })
  return passphrase
}

async function written(file: string | undefined): Promise<string | undefined> {
  const text = file === undefined ? await credential() : await readFile(file, 'utf8')
  return text?.replace(/\r?\n$/, '')
}

async function credential(): Promise<string | undefined> {
  const dir = process.env.CREDENTIALS_DIRECTORY
  return dir === undefined ? undefined : readFileIfExists(join(dir, credentialName))
}

async function typed(isNew: boolean): Promise<string> {
  if (!process.stdin.isTTY)
    throw new Invalid('a passphrase is needed', {
      cure: `Name a file that holds it with --passphrase-file, or give the unit the credential ${credentialName}.`,
    })
  const passphrase = await ask('Passphrase: ')
  if (isNew && (await ask('Once more: ')) !== passphrase) throw new Invalid('the two are not the same')
  return passphrase
}

/** What is typed is not shown. */
async function ask(question: string): Promise<string> {
  process.stderr.write(question)
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output, terminal: true })
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
