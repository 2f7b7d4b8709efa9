import type { Apps } from '../apps/apps.ts'
import { isPlainTarget } from '../http/path.ts'
import type { Identify, Identity } from '../sessions/identify.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { User } from '../store/index.ts'
import type { AppGroups } from '../users/app-groups.ts'
import type { Users } from '../users/users.ts'
import type { Gates } from './gates.ts'
import { type DenyReason, type Gate, type GuardDefault, gateOf, type Judgement, judge } from './rules.ts'

/** A request that the reverse proxy is about to pass on. */
export interface Question {
  /** What the proxy said was asked for: one, or nothing can be decided. */
  targets: readonly string[]
  methods: readonly string[]
  tokens: readonly string[]
  /** Who has proven with this request who he is, without a session. */
  user?: User | undefined
  userAgent: string | undefined
}

export type Decision =
  | {
      is: 'pass'
      identity: Identity | undefined
      /** Who has passed, with a session or without. */
      user?: User | undefined
      /** Of who has passed, for this app. */
      roles: readonly string[]
      gate: Gate | undefined
      renewed: string | undefined
    }
  /** `target` is where to come back to. */
  | { is: 'sign_in'; target: string | undefined }
  | { is: 'denied'; reason: DenyReason; identity: Identity | undefined; gate: Gate | undefined }

/** Decides who may pass to an app. What it does not understand does not pass. */
export interface Guard {
  decide(question: Question): Promise<Decision>
  /** Whether what has passed would pass now, too: its session lives, and the rules let it in. */
  stillPasses(passed: Decision & { is: 'pass' }, target: string): boolean
}

export interface GuardDeps {
  gates: Pick<Gates, 'all'>
  identify: Identify
  sessions: Pick<Sessions, 'list' | 'renewal'>
  users: Pick<Users, 'find' | 'active'>
  groups: Pick<AppGroups, 'rolesFor'>
  apps: Pick<Apps, 'find'>
}

export function createGuard(
  { gates, identify, sessions, users, groups, apps }: GuardDeps,
  { otherwise }: { otherwise: GuardDefault },
): Guard {
  const find = (target: string): Gate | undefined => gateOf(gates.all(), pathOf(target))

  const first = async ({ tokens, userAgent }: Question): Promise<Identity | undefined> => {
    for (const token of tokens) {
      const identity = await identify(token, { userAgent })
      if (identity) return identity
    }
    return undefined
  }

  /** The user's roles for the app; and his list of apps, where there is one, names it. */
  const judgeFor = (user: User | undefined, target: string, method: string | undefined): Judgement => {
    const gate = find(target)
    if (gate && !apps.find(gate.clientId)?.enabled) return { deny: 'app_disabled' }
    const roles = user && groups.rolesFor(user, gate?.clientId)
    const judgement = judge(gate, { path: pathOf(target), method, roles }, otherwise)
    const listed = user?.apps == null || (gate && user.apps.includes(gate.clientId))
    const needsUser = 'pass' in judgement && judgement.pass === 'signed_in'
    return needsUser && !listed ? { deny: 'app_access' } : judgement
  }

  return {
    stillPasses({ identity }, target) {
      const user = identity && users.find(identity.user.name)
      if (identity && !(user && users.active(user))) return false
      const isLive = ({ session }: Identity) =>
        sessions.list(session.user).some(({ id }) => id === session.id)
      if (identity && !isLive(identity)) return false
      return 'pass' in judgeFor(user, target, 'GET')
    },
    async decide(question) {
      const { targets, methods } = question
      const [target] = targets
      const identity = await first(question)
      const user = identity?.user ?? question.user
      const deny = (reason: DenyReason, gate?: Gate): Decision => ({ is: 'denied', reason, identity, gate })
      if (targets.length > 1 || !targets.every(isPlainTarget)) return deny('target_ambiguous')
      if (methods.length > 1) return deny('method_ambiguous')
      if (target === undefined) return user ? deny('target_unknown') : { is: 'sign_in', target }

      const gate = find(target)
      const judgement = judgeFor(user, target, methods[0])
      if ('deny' in judgement) return deny(judgement.deny, gate)
      if ('signIn' in judgement) return { is: 'sign_in', target }
      const roles = user ? groups.rolesFor(user, gate?.clientId) : []
      const renewed = identity && (await sessions.renewal(identity))
      return { is: 'pass', identity, user, roles, gate, renewed }
    },
  }
}

const pathOf = (target: string): string => target.split('?', 1)[0] as string
