import type { User } from '../store/index.ts'

type ScopedRoles = User['scopedRoles']

/** Roles for the apps of a group. A group may be called as objects call what they all have. */
export const rolesIn = (scoped: ScopedRoles, group: string): readonly string[] =>
  (Object.hasOwn(scoped, group) ? scoped[group] : undefined) ?? []

/** The groups of all of them, each once. */
export const groupsIn = (...all: readonly ScopedRoles[]): string[] => [
  ...new Set(all.flatMap((scoped) => Object.keys(scoped))),
]
