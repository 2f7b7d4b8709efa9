export { openCopier } from './copy.ts'
export type { Manifest } from './manifest.ts'
export type { IdentityWish } from './plan.ts'
export { type Restored, restoreBackup } from './restore.ts'
export { backupName, keepNewest } from './rotation.ts'
export {
  clearSnapshots,
  removeSnapshot,
  sizeOfState,
  snapshotIn,
  snapshotRunning,
  snapshotStopped,
} from './snapshot.ts'
export type { StateKind } from './state.ts'
export { settleSwap } from './swap.ts'
export { openTarget, writeBackup } from './write.ts'
