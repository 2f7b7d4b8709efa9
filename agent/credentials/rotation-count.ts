import type { State } from '../onboarding/machine.ts'

/** Since the start of the process. What was begun before it and ends in it is in the outcomes alone. */
export interface Rotations {
  /** The hub was asked for another credential; once for as long as it takes. */
  begun: number
  succeeded: number
  /** The hub said no. */
  refused: number
}

/** Counts rotations by the changes of the identity's state. */
export function countRotations(): { noticed(before: State, after: State): void; counts(): Rotations } {
  const counts: Rotations = { begun: 0, succeeded: 0, refused: 0 }
  return {
    noticed(before, after) {
      if (after.at === 'rotating' && before.at !== 'rotating') counts.begun++
      if (before.at !== 'rotating' || after.at === 'rotating') return
      if (after.at === 'onboarded' && after.rotatedAt !== before.rotatedAt) counts.succeeded++
      else if (after.at === 'onboarded' || after.at === 'needs-onboarding') counts.refused++
    },
    counts: () => ({ ...counts }),
  }
}
