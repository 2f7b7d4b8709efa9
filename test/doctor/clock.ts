import { spawnSync } from 'node:child_process'
import { findProgram } from '../peers.ts'

/** The environment of a process whose clock is so far off. */
export const shiftedBy = (offset: string) => ({
  LD_PRELOAD: fakeLibrary(findProgram('faketime') as string),
  FAKETIME: offset,
  DONT_FAKE_MONOTONIC: '1',
})

/** `faketime` is a small program around a library that it knows the place of. */
function fakeLibrary(program: string): string {
  const said = spawnSync(program, ['now', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).stdout
  return said.trim()
}
