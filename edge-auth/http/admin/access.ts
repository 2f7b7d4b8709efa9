import type { FastifyRequest, preValidationAsyncHookHandler } from 'fastify'
import { EdgeError, Forbidden } from '../../../core/errors.ts'
import type { Refused } from '../../audit/audit.ts'
import { may, type Need, type Permissions } from '../../permissions/index.ts'
import type { Identity } from '../../sessions/identify.ts'
import type { User } from '../../store/index.ts'
import { adminCookie } from '../passed-on.ts'
import { isSameOrigin, senderOf, userAgentOf } from '../request.ts'
import { CrossOrigin } from '../route.ts'
import type { AdminKeys, AdminSessions } from './sessions.ts'

export const adminSecretHeader = 'x-edgeward-admin'

/** Who is signed in to the administration, and what he may do now. */
export interface Administrator extends Identity {
  readonly permissions: Permissions
}

declare module 'fastify' {
  interface FastifyRequest {
    /** On routes that ask. */
    administrator?: Administrator
  }
}

export class NotSignedIn extends EdgeError {
  override readonly name = 'NotSignedIn'
  readonly code = 'not_signed_in'
  override readonly statusCode = 401
}

export interface AccessDeps {
  adminSessions: AdminSessions
  permissionsOf(user: User): Permissions
  /** Told of who was refused for want of a permission. */
  denied(refused: Refused & Need): void
}

/** Who may call what on the admin listener; the names of the functions are shown with the routes. */
export interface Policies {
  /** For who is about to sign in. */
  readonly sameOrigin: preValidationAsyncHookHandler
  readonly signedIn: preValidationAsyncHookHandler
  /** `owned`: who may do it to his own things only may ask as well. */
  needing(need: Need | 'signedIn', owned: boolean): preValidationAsyncHookHandler
}

/** The admin listener is behind no proxy of ours. */
export const direct = { behindProxy: false }

export function createPolicies({ adminSessions, permissionsOf, denied }: AccessDeps): Policies {
  const identified = async (request: FastifyRequest): Promise<Administrator> => {
    refuseOtherOrigins(request)
    const identity = await adminSessions.find(keysOf(request), { userAgent: userAgentOf(request) })
    if (!identity) throw new NotSignedIn('cookie or secret header is missing, or no longer good')
    request.administrator = { ...identity, permissions: permissionsOf(identity.user) }
    return request.administrator
  }
  const signedIn = async function signedIn(request: FastifyRequest) {
    await identified(request)
  }
  return {
    async sameOrigin(request) {
      refuseOtherOrigins(request)
    },
    signedIn,
    needing(need, owned) {
      if (need === 'signedIn') return signedIn
      const policy = async (request: FastifyRequest) => {
        const { user, permissions } = await identified(request)
        if (may(permissions, need, owned)) return
        denied({ ...need, user: user.name, ...senderOf(request, direct), requestId: request.id })
        throw new Forbidden(`this needs the permission ${need.category} to ${need.act}`)
      }
      return Object.defineProperty(policy, 'name', { value: policyName(need, owned) })
    },
  }
}

const policyName = ({ category, act }: Need, owned: boolean): string =>
  `${category}_${act}${owned ? '_or_own' : ''}`

/** A page of another origin, an app's on the same host included, can ask for nothing here. */
function refuseOtherOrigins(request: FastifyRequest): void {
  if (!isSameOrigin(request, direct)) throw new CrossOrigin('the request came from another site')
}

export function keysOf({ cookies, headers }: FastifyRequest): Partial<AdminKeys> {
  const secret = headers[adminSecretHeader]
  const value = cookies[adminCookie]
  return { ...(value && { cookie: value }), ...(typeof secret === 'string' && { secret }) }
}
