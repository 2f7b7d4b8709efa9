import { EdgeError } from '../core/errors.ts'

/** The file is not what was written, or not by us. Nothing was changed. */
export class BackupUnreadable extends EdgeError {
  override readonly name = 'BackupUnreadable'
  readonly code:
    | 'backup_not_ours'
    | 'backup_truncated'
    | 'backup_tampered'
    | 'backup_version'
    | 'backup_damaged'
  override readonly cure: string

  constructor(code: BackupUnreadable['code'], message: string, cure: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.cure = cure
  }
}

const anotherCopy = 'Take another copy of the backup. Nothing was changed.'

export const notOurs = (why: string): BackupUnreadable =>
  new BackupUnreadable('backup_not_ours', `this is no backup of edgeward: ${why}`, 'Name the right file.')
export const truncated = (): BackupUnreadable =>
  new BackupUnreadable('backup_truncated', 'the backup ends too early', anotherCopy)
export const tampered = (what: string): BackupUnreadable =>
  new BackupUnreadable('backup_tampered', `the backup was changed after it was made: ${what}`, anotherCopy)
export const damaged = (what: string, cause?: unknown): BackupUnreadable =>
  new BackupUnreadable('backup_damaged', `the backup is not usable: ${what}`, anotherCopy, { cause })

export class WrongPassphrase extends EdgeError {
  override readonly name = 'WrongPassphrase'
  readonly code = 'wrong_passphrase'
  override readonly exitCode = 4
  override readonly cure = 'Give the passphrase that the backup was made with. Nothing was changed.'

  constructor() {
    super('this passphrase does not open the backup')
  }
}

/** A database of the state cannot be read; what there is of it stays as it is. */
export class StateNotCopied extends EdgeError {
  override readonly name = 'StateNotCopied'
  readonly code = 'state_not_copied'
  override readonly cure =
    'Check the disk and the free space of the state directory; "edgeward doctor" looks at both.'

  constructor(name: string, cause: Error) {
    super(`${name} cannot be copied: ${cause.message}`, { cause })
  }
}

/** Nothing was begun. */
export class NoRoomForCopy extends EdgeError {
  override readonly name = 'NoRoomForCopy'
  readonly code = 'no_room_for_copy'
  override readonly statusCode = 507
  override readonly cure = 'Make room where the state lies, or go without --with-outbox.'

  constructor(needed: number, free: number) {
    super(`a copy of the state needs ${needed} free bytes, and there are ${free}`)
  }
}
