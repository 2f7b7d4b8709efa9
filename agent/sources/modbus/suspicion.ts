import { decode, type Encoding, registersOf } from './encoding.ts'

/**
 * Says of each reading whether the registers of the point are probably in the other order. It takes the
 * bytes as they came, reading by reading.
 */
export type Suspicion = (bytes: Uint8Array) => boolean

/** So many readings after the last sign the suspicion is dropped, so that the quality does not flicker. */
const holdsForReadings = 20
const signsNeeded = 3
const decadesOfALeap = 12

/** Undefined for what has no order of registers, or none that a value could give away. */
export function createSuspicion(encoding: Encoding): Suspicion | undefined {
  if (encoding.type === 'string' || registersOf(encoding) === 1) return undefined
  const other: Encoding = { ...encoding, wordOrder: encoding.wordOrder === 'big' ? 'little' : 'big' }
  const evidence = encoding.type.startsWith('float') ? floatEvidence() : integerEvidence(encoding)
  let left = 0
  return (bytes) => {
    const isEvidence = evidence(decode(bytes, encoding) as number, decode(bytes, other) as number)
    left = isEvidence ? holdsForReadings : Math.max(0, left - 1)
    return left > 0
  }
}

type Evidence = (value: number, otherwise: number) => boolean

/** No plant has such values, and the other order makes one that it may have. Or the exponent jumps about. */
function floatEvidence(): Evidence {
  let before = 0
  let leaps = 0
  return (value, otherwise) => {
    if (value !== before) leaps = isLeap(before, value) && isPlausible(otherwise) ? leaps + 1 : 0
    before = value
    return (isImplausible(value) && isPlausible(otherwise)) || leaps >= signsNeeded
  }
}

const isImplausible = (value: number): boolean =>
  Number.isNaN(value) || Math.abs(value) > 1e30 || (value !== 0 && Math.abs(value) < 1e-30)
const isPlausible = (value: number): boolean =>
  value === 0 || (Math.abs(value) > 1e-9 && Math.abs(value) < 1e12)
const isLeap = (a: number, b: number): boolean =>
  a !== 0 && b !== 0 && Math.abs(Math.log10(Math.abs(a)) - Math.log10(Math.abs(b))) > decadesOfALeap

/** Different values, and of each only the highest register is not 0: small numbers the wrong way round. */
function integerEvidence(encoding: Encoding): Evidence {
  const highest = 2n ** BigInt(16 * (registersOf(encoding) - 1))
  let before = 0n
  let signs = 0
  return (value) => {
    const now = BigInt(value)
    if (now !== before && now !== 0n) signs = now % highest === 0n ? signs + 1 : 0
    before = now
    return signs > signsNeeded
  }
}
