/** Life of a registration where the hub does not say. */
export const nominalLifeMs = 7 * 86_400_000

/**
 * When to rotate: at 50 to 70 % of the life, so that days remain for repair. `jitter` in [0, 1) is drawn
 * once, at issue, and spreads a fleet that was taken in on one day.
 */
export function rotateAt({ issuedAt, expiresAt }: { issuedAt: number; expiresAt: number }, jitter: number) {
  return Math.round(issuedAt + (expiresAt - issuedAt) * (0.5 + 0.2 * jitter))
}

/**
 * When a registration ends. An end that is not in the future says that this box's clock is wrong; the
 * nominal life, counted on the same wrong clock, then keeps the rotation from running in circles.
 */
export function expiryOf(expiresAtSeconds: number | undefined, issuedAt: number): number {
  const told = (expiresAtSeconds ?? 0) * 1000
  return told > issuedAt ? told : issuedAt + nominalLifeMs
}
