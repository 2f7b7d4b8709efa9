/** Which names the certificate is to have while those of the box come and go. */
export interface FollowedNames {
  /** Takes what is found now, at a monotonic time; returns the names to certify, sorted. */
  look(found: readonly string[], now: number): string[]
}

/** A name that is found for so long gets into the certificate. */
const standMs = 60_000
/** One that is found no more is kept for so long: a lease ends, a cable is plugged in again. */
const keepMs = 86_400_000
/** A network that gives another address each hour must not make the certificate grow. */
const maxKept = 16

/**
 * An address that flaps makes no certificate each minute. Those of `certified` that are not found are kept
 * as if they had just gone: when a box starts, its network often comes later.
 */
export function followNames(
  { found, certified }: { found: readonly string[]; certified: readonly string[] },
  startedAt: number,
): FollowedNames {
  /** Of what is in the certificate: when it was found last. */
  const lastSeen = new Map([...certified, ...found].map((name) => [name, startedAt]))
  /** Of what is not: since when it is found. */
  const since = new Map<string, number>()

  function forget(found: ReadonlySet<string>, now: number): void {
    for (const name of since.keys()) if (!found.has(name)) since.delete(name)
    const gone = [...lastSeen].filter(([name]) => !found.has(name)).sort((a, b) => b[1] - a[1])
    for (const [at, [name, seenAt]] of gone.entries())
      if (at >= maxKept || now - seenAt >= keepMs) lastSeen.delete(name)
  }

  return {
    look(found, now) {
      for (const name of found) {
        const foundSince = since.get(name) ?? now
        if (lastSeen.has(name) || now - foundSince >= standMs) {
          lastSeen.set(name, now)
          since.delete(name)
        } else since.set(name, foundSince)
      }
      forget(new Set(found), now)
      return [...lastSeen.keys()].sort()
    },
  }
}
