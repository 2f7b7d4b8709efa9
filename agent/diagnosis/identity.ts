import { decodeJwt } from 'jose'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import { getNewFile } from '../onboarding/boarding.ts'
import { type Held, holding, type State } from '../onboarding/machine.ts'
import type { Stored } from './stored.ts'

export interface IdentityView {
  stored(): Promise<Stored>
  /** Epoch milliseconds: by the hub if it can be had, else by this box. */
  now(signal: AbortSignal): Promise<number>
}

export function identityChecks({ stored, now }: IdentityView): Check[] {
  return [
    {
      id: 'identity',
      title: 'identity at the hub',
      run: async (signal) => describeStored(await stored(), await now(signal)),
    },
    {
      id: 'identity.credential',
      title: 'age of the credential',
      needs: ['identity'],
      async run(signal) {
        const held = holding((await stored()).state)
        if (!held) return skipped('there is none yet')
        return describeCredential(held, await now(signal))
      },
    },
  ]
}

function describeStored({ state, needsMending }: Stored, now: number): Finding {
  const found = describeState(state, now)
  if (!needsMending || found.status === 'failed') return found
  return warning(
    `${found.cause}; one of the two copies of the identity is damaged or missing`,
    'Restart the daemon: it writes the copy anew. If this comes back, check the disk ("dmesg").',
    found.facts,
  )
}

function describeState(state: State, now: number): Finding {
  if (state.at === 'unboarded')
    return warning(
      'this box has not been onboarded: it serves its people and apps, and sends nothing to a hub',
      'Create an agent at the hub ("edgeward hub agent create NAME"), and run "edgeward onboard FILE" here with its boarding file.',
    )
  const { agentId, tenant } = state.home
  const facts = { state: state.at, agentId, tenant }
  const who = `agent ${agentId} of tenant ${tenant}`
  if (state.at === 'needs-onboarding')
    return failed(
      `the hub takes none of the credentials of ${who}: ${state.reason}`,
      `${getNewFile(agentId)} Then run "edgeward onboard FILE"; what was collected is kept.`,
      facts,
    )
  if (state.at === 'onboarding') return describeOnboarding(state, now, facts)
  return ok(`${state.at} as ${who}`, facts)
}

/** An initial access token that has expired will never be taken: waiting for the hub is in vain. */
function describeOnboarding(
  { home, iat }: Extract<State, { at: 'onboarding' }>,
  now: number,
  facts: object,
): Finding {
  const { exp } = decodeJwt(iat)
  const until = exp === undefined ? undefined : exp * 1000
  const known = { ...facts, ...(until === undefined ? {} : { boardingExpiresAt: until }) }
  if (until !== undefined && until <= now)
    return failed(
      `the boarding configuration expired on ${date(until)}, before the hub has taken this box in`,
      `${getNewFile(home.agentId)} Then run "edgeward onboard FILE".`,
      known,
    )
  const end = until === undefined ? '' : `; the boarding configuration is good until ${date(until)}`
  return warning(
    `this box has a boarding configuration, and the hub has not taken it in yet${end}`,
    'See what keeps the hub from being reached; edgeward tries again by itself while it runs.',
    known,
  )
}

function describeCredential({ active, rotatedAt }: Held, now: number): Finding {
  const { issuedAt, rotateAt, expiresAt } = active
  const last = rotatedAt === undefined ? {} : { rotatedAt }
  const facts = { issuedAt, rotateAt, expiresAt, ageMs: now - issuedAt, ...last }
  const since =
    rotatedAt === undefined
      ? `issued on ${date(issuedAt)} and never rotated`
      : `last rotated on ${date(rotatedAt)}`
  if (now >= expiresAt)
    return failed(
      `the credential expired on ${date(expiresAt)}; ${since}`,
      'Let the daemon reach the hub: it renews what the hub still takes. If the identity then needs onboarding, get a new boarding file.',
      facts,
    )
  const graceMs = (expiresAt - rotateAt) / 4
  if (now > rotateAt + graceMs)
    return warning(
      `rotation is overdue since ${date(rotateAt)}; the credential expires on ${date(expiresAt)}, ${since}`,
      'Let the daemon run and reach the hub, or run "edgeward rotate" to see what is in the way.',
      facts,
    )
  return ok(`${since}; rotates on ${date(rotateAt)}, expires on ${date(expiresAt)}`, facts)
}

const date = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
