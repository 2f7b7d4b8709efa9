/**
 * Batches in one order over all epochs: the number of the epoch, then seq. 2^34 batches are 136 years of
 * four a second; 2^19 epochs are as many starts without the outbox ever running empty.
 */
const seqsPerEpoch = 2 ** 34
export const lastEpoch = 2 ** 19 - 1
export const lastSeq = seqsPerEpoch - 1

export const positionOf = (epoch: number, seq: number): number =>
  epoch * seqsPerEpoch + Math.min(seq, lastSeq)
export const epochAt = (position: number): number => Math.floor(position / seqsPerEpoch)
export const seqAt = (position: number): number => position % seqsPerEpoch
