import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { backupName, keepNewest, openTarget } from '../../backup/index.ts'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { fields, print, when } from '../output.ts'
import { ownerBesideRoot, type Role } from '../places.ts'
import { writeAsOwner } from '../state/owner/index.ts'
import { readPassphrase } from '../state/passphrase.ts'
import { type Writing, type Written, writeState } from '../state/written.ts'
import { restoreCommand } from './restore.ts'

interface Options {
  out?: string
  keep?: string
  passphraseFile?: string
  withOutbox?: true
}

export function backupCommands(program: Command): void {
  const backup = describeBackup(program, 'gateway', 'one encrypted file of what this box knows')
  backup.option('--with-outbox', 'readings that were not delivered, too')
  restoreCommand(program, 'gateway')
}

/** The same for the hub, with all that it has stored. */
export function hubBackupCommands(hub: Command): void {
  describeBackup(hub, 'hub', 'one encrypted file of all that the hub knows and has stored')
  restoreCommand(hub, 'hub')
}

const describeBackup = (program: Command, role: Role, description: string): Command =>
  program
    .command('backup')
    .description(description)
    .option('--out <path>', 'the file, or the folder for it (default: this folder)')
    .option('--keep <count>', 'in that folder keep so many of the newest backups')
    .option('--passphrase-file <file>', 'a file that holds the passphrase')
    .action((options: Options, command: Command) => backUp(role, options, command))

async function backUp(role: Role, options: Options, command: Command): Promise<void> {
  const context = createContext(role, command.optsWithGlobals<CommonOptions>())
  const keep = countOf(options.keep)
  const madeAt = systemClock.now()
  const path = await targetOf(options.out ?? '.', backupName(role, madeAt), keep)
  const passphrase = await readPassphrase({ file: options.passphraseFile, isNew: true })
  const { places } = context
  const withOutbox = options.withOutbox ?? false
  const { about, bytes } = await write(path, { role, places, passphrase, madeAt, withOutbox })
  const removed =
    keep === undefined
      ? []
      : await keepNewest(dirname(path), { role, made: basename(path), madeAt, count: keep })
  const { boxId, agent } = about
  print(context.json, { file: path, bytes, madeAt, boxId, agent, removed }, () =>
    fields([
      ['backup', path],
      ['bytes', bytes],
      ['made', when(madeAt)],
      ['agent', agent && `${agent.agentId} of ${agent.tenant}`],
      ['removed', removed.length > 0 ? removed.join(', ') : undefined],
    ]),
  )
}

/** The file is opened as whoever calls, the state as its owner. */
async function write(path: string, writing: Writing): Promise<Written> {
  await using target = await openTarget(path)
  const owner = ownerBesideRoot(writing.places.stateDir)
  const { fd } = target.file
  const written = await (owner ? writeAsOwner(owner, writing, fd) : writeState(writing, fd))
  await target.finish()
  return written
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Invalid(`--keep ${text} is no count`)
  return Number(text)
}

async function targetOf(out: string, name: string, keep: number | undefined): Promise<string> {
  const path = resolve(out)
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return join(path, name)
  if (keep !== undefined)
    throw new Invalid(`--keep needs a folder, and ${path} is none`, { cure: `Make it: "mkdir ${path}".` })
  return path
}
