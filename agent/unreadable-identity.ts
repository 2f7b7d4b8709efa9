import { aborted } from '../core/tasks.ts'
import type { IdentityUnreadable } from './errors.ts'
import type { Identity } from './identity.ts'

/**
 * Stands in for an identity that is on disk but cannot be understood: the box goes on collecting and
 * says what is wrong, and nothing is onboarded over what may still be saved.
 */
export function unreadableIdentity(fault: IdentityUnreadable): Identity {
  const refuse = () => Promise.reject(fault)
  return {
    operations: {
      'identity.onboard': refuse,
      'identity.rotate': refuse,
      'identity.token': refuse,
      'identity.check': refuse,
    },
    current: () => undefined,
    async onboarded(signal) {
      await aborted(signal)
      throw signal.reason
    },
    onChange: () => {},
    accessToken: refuse,
    forget: () => {},
    status: () => ({ state: 'needs-onboarding', reason: `${fault.message}. ${fault.cure}` }),
    rotations: () => ({ begun: 0, succeeded: 0, refused: 0 }),
    run: aborted,
    async [Symbol.asyncDispose]() {},
  }
}
