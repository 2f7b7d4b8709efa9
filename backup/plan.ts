import type { StateKind, Whose } from './state.ts'

/** What becomes of who the box is. */
export type IdentityFate =
  /** The box is the one that the backup is of, and its own identity is as new or newer. */
  | 'kept'
  /** From the backup. */
  | 'taken'
  /** Another box: nothing of the identity in the backup is used. */
  | 'left'

/** What the operator said. */
export type IdentityWish = 'take' | 'leave' | undefined

export interface Judged {
  /** The backup was made here, as far as one can tell. */
  isSameBox: boolean
  fate: IdentityFate
}

/** Pure. A credential that was issued later is never replaced: the hub has ended those before it. */
export function judge(here: Whose, backup: Whose, wish: IdentityWish): Judged {
  const isSameAgent = here.agent !== undefined && here.agent.agentId === backup.agent?.agentId
  const isSameBox = isSameAgent || (here.boxId !== undefined && here.boxId === backup.boxId)
  if (wish === 'leave') return { isSameBox, fate: 'left' }
  if (!isSameBox && wish !== 'take') return { isSameBox, fate: 'left' }
  const isOurs = isSameAgent || (isSameBox && wish === undefined)
  const kept = isOurs && issuedAt(here) >= issuedAt(backup)
  return { isSameBox, fate: kept ? 'kept' : 'taken' }
}

const issuedAt = ({ agent }: Whose): number => agent?.credentialIssuedAt ?? 0

/** Which of the things in the backup take the place of those that are there. */
export function choose(
  { identity, running }: Pick<StateKind, 'identity' | 'running'>,
  { fate, isSameAgent }: { fate: IdentityFate; isSameAgent: boolean },
  { inBackup, here }: { inBackup: readonly string[]; here: readonly string[] },
): string[] {
  const isMissing = (name: string) => !here.includes(name)
  return inBackup.filter((name) => {
    if (identity.includes(name)) return fate === 'taken' || (fate === 'kept' && isMissing(name))
    if (running.includes(name)) return fate !== 'left' && (isSameAgent ? isMissing(name) : fate === 'taken')
    return true
  })
}
