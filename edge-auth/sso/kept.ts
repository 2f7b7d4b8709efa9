import type { Clock } from '../../core/clock.ts'
import type { ProviderSettings } from './provider.ts'

/** What was fetched for a provider; it goes with the settings that it was fetched by. */
export interface Kept<T> {
  /**
   * As kept, where it is not older; otherwise fetched, by one for all who wait. While that fails what was
   * thrown is thrown for a few seconds without asking again, unless an older one will do.
   */
  get(settings: ProviderSettings, age: Age, obtain: () => Promise<T>): Promise<T>
}

export interface Age {
  readonly maxMs: number
  /** While there is no newer one. */
  readonly orOlder: boolean
}

const failureCountsMs = 5_000

interface Entry<T> {
  value?: { readonly of: T; readonly at: number }
  failure?: { readonly error: unknown; readonly at: number }
  fetching?: Promise<T>
}

export function createKept<T>(clock: Pick<Clock, 'monotonic'>): Kept<T> {
  const entries = new WeakMap<ProviderSettings, Entry<T>>()

  const fetchInto = async (entry: Entry<T>, obtain: () => Promise<T>): Promise<T> => {
    try {
      const of = await obtain()
      entry.value = { of, at: clock.monotonic() }
      delete entry.failure
      return of
    } catch (error) {
      entry.failure = { error, at: clock.monotonic() }
      throw error
    } finally {
      delete entry.fetching
    }
  }

  return {
    async get(settings, { maxMs, orOlder }, obtain) {
      const entry = entries.get(settings) ?? {}
      entries.set(settings, entry)
      const { value, failure } = entry
      const isYounger = (at: number, ageMs: number): boolean => clock.monotonic() - at < ageMs
      if (value && isYounger(value.at, maxMs)) return value.of
      if (failure && isYounger(failure.at, failureCountsMs)) {
        if (value && orOlder) return value.of
        throw failure.error
      }
      entry.fetching ??= fetchInto(entry, obtain)
      return entry.fetching.catch((error) => {
        if (value && orOlder) return value.of
        throw error
      })
    },
  }
}
