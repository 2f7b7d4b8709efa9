import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { type IdentityWish, type Manifest, type Restored, restoreBackup } from '../../backup/index.ts'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { ensurePrivateDir } from '../../core/files.ts'
import { lockState } from '../../core/sqlite.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { fields, print, when } from '../output.ts'
import { becomeOwner, type Role } from '../places.ts'
import { stateKind } from '../state/kind.ts'
import { readPassphrase } from '../state/passphrase.ts'

interface Options {
  passphraseFile?: string
  takeIdentity?: true
  withoutIdentity?: true
}

export function restoreCommand(program: Command, role: Role): void {
  const restore = program
    .command('restore <file>')
    .description('put a backup in the place of what is there; only while nothing runs')
    .option('--passphrase-file <file>', 'a file that holds the passphrase')
    .action((file: string, options: Options, command: Command) => restoreFrom(role, file, options, command))
  if (role === 'hub') return
  restore
    .option('--take-identity', 'become the box that the backup is of, which must never run again')
    .option('--without-identity', 'leave out who that box is: its agent, certificates, audit')
}

async function restoreFrom(role: Role, path: string, options: Options, command: Command): Promise<void> {
  const { places, log, json } = createContext(role, command.optsWithGlobals<CommonOptions>())
  const wish = wishOf(options)
  // The owner of the state may not be able to read what root can.
  await using file = await open(path, 'r')
  const passphrase = await readPassphrase({ file: options.passphraseFile, isNew: false })
  await ensurePrivateDir(places.stateDir)
  becomeOwner(places)
  using _lock = lockState(places.stateDir)
  const kind = await stateKind(role, log)
  const restored = await restoreBackup(
    { clock: systemClock, ask: json || !process.stdin.isTTY ? async () => 'leave' : ask },
    kind,
    { bytes: file.createReadStream({ autoClose: false }), stateDir: places.stateDir },
    { passphrase, wish },
  )
  print(json, restored, () => describe(role, restored))
}

function wishOf({ takeIdentity, withoutIdentity }: Options): IdentityWish {
  if (takeIdentity && withoutIdentity)
    throw new Invalid('--take-identity and --without-identity exclude each other')
  if (takeIdentity) return 'take'
  return withoutIdentity ? 'leave' : undefined
}

async function ask({ agent, madeAt }: Manifest): Promise<'take' | 'leave'> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(
      `The backup of ${when(madeAt)} is of another box, agent ${agent?.agentId} of tenant ${agent?.tenant}.\n` +
        'If this box takes its identity, that box must never run again: both would lose their access to the hub.\n' +
        'Take it? Type "take", or press Enter to restore without it: ',
    )
    return answer.trim() === 'take' ? 'take' : 'leave'
  } finally {
    terminal.close()
  }
}

const fates = {
  kept: 'kept: the one here is as new, or newer',
  taken: 'taken from the backup; the box that it was made on must never run again beside this one',
  left: 'not taken from the backup',
}

const describe = (role: Role, { manifest, identity, isSameBox, placed, replaced }: Restored): string =>
  fields([
    ['backup of', when(manifest.madeAt)],
    ['release', manifest.release],
    ['restored', placed.join(', ')],
    ...(role === 'hub'
      ? []
      : ([
          ['same box', isSameBox ? 'yes' : 'no'],
          ['identity', isSameBox && identity === 'taken' ? 'taken from the backup' : fates[identity]],
        ] as const)),
    ['former state', replaced],
  ])
