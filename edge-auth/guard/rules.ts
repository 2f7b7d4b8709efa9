/** Who may enter below a path, and how. */
export interface Rule {
  /** Ends in a slash; what it names and all below it. */
  readonly path: string
  /** Any method when empty. */
  readonly methods: readonly string[]
  /** One of them is enough; whoever is signed in when empty. */
  readonly roles: readonly string[]
}

/** How the guard keeps one app. */
export interface Gate {
  readonly clientId: string
  /** Where the proxy serves the app, e.g. `/press/`. */
  readonly path: string
  /** Where the app listens, as an origin. */
  readonly upstream: string | null
  /** Of the app as a whole, with `methods`: as in a rule. */
  readonly roles: readonly string[]
  readonly methods: readonly string[]
  /** Further ones. Of several that cover a target, those of the longest path hold. */
  readonly rules: readonly Rule[]
  /** Sub-paths that nobody must sign in for. */
  readonly public: readonly string[]
  /** The app does not see the access token. */
  readonly withholdToken: boolean
}

/** What is decided about a target where no gate stands. */
export type GuardDefault = 'signed_in' | 'deny'

export type DenyReason =
  | 'target_unknown'
  | 'target_ambiguous'
  | 'method_ambiguous'
  | 'no_rule'
  | 'method'
  | 'role'
  | 'app_access'
  | 'app_disabled'
export type Judgement = { pass: 'everyone' | 'signed_in' } | { signIn: true } | { deny: DenyReason }

interface Asked {
  /** Of a plain target, without its query. */
  path: string
  method: string | undefined
  /** Undefined while nobody is signed in. */
  roles: readonly string[] | undefined
}

/**
 * Paths are compared without case, for some servers do. Case never opens anything: what another spelling
 * than the rule's would pass must pass by the rules as they are written, too.
 */
export function judge(gate: Gate | undefined, asked: Asked, otherwise: GuardDefault): Judgement {
  if (!gate) {
    if (otherwise === 'deny') return { deny: 'no_rule' }
    return asked.roles ? { pass: 'signed_in' } : { signIn: true }
  }
  const exactly = admit(gate, asked, decoded(asked.path), (path) => path)
  const folded = admit(gate, asked, fold(asked.path), fold)
  return strictness(exactly) > strictness(folded) ? exactly : folded
}

/** The gate that stands before a path: the one with the longest path of its own. */
export function gateOf(gates: Iterable<Gate>, path: string): Gate | undefined {
  const folded = fold(path)
  let found: Gate | undefined
  for (const gate of gates)
    if (covers(fold(gate.path), folded) && gate.path.length > (found?.path.length ?? 0)) found = gate
  return found
}

/** What rules say of the app's own path takes the place of a gate that asks for nothing there. */
function rulesOf({ path, roles, methods, rules }: Gate): readonly Rule[] {
  const replaced = roles.length + methods.length === 0 && rules.some((rule) => rule.path === path)
  return replaced ? rules : [{ path, roles, methods }, ...rules]
}

const covers = (rule: string, path: string): boolean => `${path}/`.startsWith(rule)

const decoded = (path: string): string => decodeURIComponent(path)
/** Up and down again: some letters have the same capital. */
export const fold = (path: string): string => decoded(path).toUpperCase().toLowerCase()

function admit(
  gate: Gate,
  { method, roles }: Asked,
  path: string,
  spell: (path: string) => string,
): Judgement {
  const all = rulesOf(gate)
  const holding = longest(all.filter((rule) => covers(spell(rule.path), path)))
  // A spelling that the rules do not know falls under the rule of the whole app.
  const rules = holding.length > 0 ? holding : all.filter((rule) => rule.path === gate.path)
  const reach = rules[0]?.path.length ?? 0
  const isPublic = gate.public.some((open) => open.length >= reach && covers(spell(open), path))

  const allowed = rules.filter(({ methods }) => methods.length === 0 || takes(methods, method))
  if (allowed.length === 0) return { deny: 'method' }
  if (isPublic) return { pass: 'everyone' }
  if (!roles) return { signIn: true }
  const enters = allowed.some(
    (rule) => rule.roles.length === 0 || rule.roles.some((role) => roles.includes(role)),
  )
  return enters ? { pass: 'signed_in' } : { deny: 'role' }
}

function longest(rules: readonly Rule[]): readonly Rule[] {
  const length = Math.max(...rules.map(({ path }) => path.length))
  return rules.filter(({ path }) => path.length === length)
}

/** HEAD asks what GET asks. */
const takes = (methods: readonly string[], method: string | undefined): boolean =>
  method !== undefined && (methods.includes(method) || (method === 'HEAD' && methods.includes('GET')))

function strictness(judgement: Judgement): number {
  if ('deny' in judgement) return 3
  if ('signIn' in judgement) return 2
  return judgement.pass === 'signed_in' ? 1 : 0
}
