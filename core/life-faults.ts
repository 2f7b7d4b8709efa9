import type { ProofOfLife } from './proof-of-life.ts'

/** A disk may be slow; who is silent for longer is in trouble. */
const silenceMs = 30_000

/** Who of a process does not answer, or refuses to, in words. */
export const lifeFaults = (life: Pick<ProofOfLife, 'silences' | 'refusals'>): string[] => [
  ...life
    .silences(silenceMs)
    .map(({ name, forMs }) => `${name} has not answered for ${Math.round(forMs / 1000)} s`),
  ...life.refusals().map(({ name, reason }) => `${name} does not work: ${reason}`),
]
