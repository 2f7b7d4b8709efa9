import { EdgeError } from '../../core/errors.ts'
import type { Http } from '../../core/net/index.ts'
import { decided } from '../answer.ts'
import type { Identity } from '../identity.ts'
import { agentManagement } from '../onboarding/home.ts'

/** The hub did not take the access token; another one may do. */
export class ConfigurationDenied extends EdgeError {
  override readonly name = 'ConfigurationDenied'
  readonly code = 'configuration_denied'
  override readonly retryable = true
}

/** The agent's data source configuration as the hub sent it, unchecked. Every rejection is retryable. */
export async function fetchConfiguration(
  { identity, http }: { identity: Pick<Identity, 'onboarded' | 'accessToken' | 'forget'>; http: Http },
  signal: AbortSignal,
): Promise<unknown> {
  const membership = await identity.onboarded(signal)
  const { token } = await identity.accessToken(signal)
  const url = `${agentManagement(membership)}/agents/${encodeURIComponent(membership.agentId)}/dataSourceConfiguration`
  const headers = { authorization: `Bearer ${token}` }
  const response = await http({ method: 'GET', url, headers, ca: membership.ca, signal })
  const answer = decided(url, response, (document) => document)
  if ('granted' in answer) return answer.granted
  identity.forget(token)
  throw new ConfigurationDenied(`the hub did not give the data source configuration (${answer.refused})`)
}
