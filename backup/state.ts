/** What lies in a state directory, told by those who own it. */
export interface StateKind {
  readonly role: 'gateway' | 'hub'
  readonly databases: readonly StateDatabase[]
  /** Files and folders, whole at any moment. */
  readonly plain: readonly string[]
  /** Which of them make the box who it is: two boxes must not have the same. */
  readonly identity: readonly string[]
  /** Which of them go on by themselves: what is there is newer than any backup. */
  readonly running: readonly string[]
  /** Whose state lies in a directory that nobody has open. */
  whose(dir: string): Promise<Whose>
  /** Ends in restored databases what must not come back to life. `isOther`: for another box than they come from. */
  prepare(dir: string, change: { isOther: boolean }): void
}

export interface StateDatabase {
  readonly name: string
  readonly migrations: URL
  /** Large, and of use for a while only: copied when it is asked for. */
  readonly onDemand?: true
}

/** What names a box; nothing of it where there has been none yet. */
export interface Whose {
  boxId?: string
  agent?: { tenant: string; agentId: string; credentialIssuedAt: number }
}

/** Beside a database; nobody has them in a backup. */
export const besideDatabase = ['-wal', '-shm', '-journal'] as const
