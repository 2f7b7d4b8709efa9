import { isPlainTarget } from '../http/path.ts'
import type { Identify, Identity } from '../sessions/identify.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Gates } from './gates.ts'
import { type DenyReason, type Gate, type GuardDefault, gateOf, judge } from './rules.ts'

/** A request that the reverse proxy is about to pass on. */
export interface Question {
  /** What the proxy said was asked for: one, or nothing can be decided. */
  targets: readonly string[]
  methods: readonly string[]
  tokens: readonly string[]
  userAgent: string | undefined
}

export type Decision =
  | { is: 'pass'; identity: Identity | undefined; gate: Gate | undefined; renewed: string | undefined }
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
}

export function createGuard(
  { gates, identify, sessions }: GuardDeps,
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

  return {
    stillPasses({ identity }, target) {
      const isLive = ({ session, user }: Identity) =>
        sessions.list(user.name).some(({ id }) => id === session.id)
      if (identity && !isLive(identity)) return false
      const asked = { path: pathOf(target), method: 'GET', roles: identity?.user.roles }
      return 'pass' in judge(find(target), asked, otherwise)
    },
    async decide(question) {
      const { targets, methods } = question
      const [target] = targets
      const identity = await first(question)
      const deny = (reason: DenyReason, gate?: Gate): Decision => ({ is: 'denied', reason, identity, gate })
      if (targets.length > 1 || !targets.every(isPlainTarget)) return deny('target_ambiguous')
      if (methods.length > 1) return deny('method_ambiguous')
      if (target === undefined) return identity ? deny('target_unknown') : { is: 'sign_in', target }

      const gate = find(target)
      const asked = { path: pathOf(target), method: methods[0], roles: identity?.user.roles }
      const judgement = judge(gate, asked, otherwise)
      if ('deny' in judgement) return deny(judgement.deny, gate)
      if ('signIn' in judgement) return { is: 'sign_in', target }
      return { is: 'pass', identity, gate, renewed: identity && (await sessions.renewal(identity)) }
    },
  }
}

const pathOf = (target: string): string => target.split('?', 1)[0] as string
