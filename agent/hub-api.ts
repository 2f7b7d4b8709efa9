import type { Clock } from '../core/clock.ts'
import type { Http, HttpRequest } from '../core/net/index.ts'
import type { Random } from '../core/random.ts'
import { idempotencyHeader, parseRegistration, type Registration } from '../protocol/registration.ts'
import { type AgentToken, clientAssertionType, parseAgentToken } from '../protocol/token.ts'
import { type Answer, decided } from './answer.ts'
import { signAssertion } from './credentials/assertion.ts'
import { type Credential, publicJwk, type RegistrationAttempt } from './credentials/credential.ts'
import { type HubTime, toldBy } from './hub-time.ts'
import { agentManagement, type Home } from './onboarding/home.ts'

/** The calls of Agent Management v3 that an agent makes. */
export interface HubApi {
  /** With the initial access token, which is good for one registration. */
  register(home: Home, iat: string, attempt: RegistrationAttempt, signal: AbortSignal): RegistrationAnswer
  /** With the registration token of `credential`. */
  rotate(
    home: Home,
    credential: Credential,
    attempt: RegistrationAttempt,
    signal: AbortSignal,
  ): RegistrationAnswer
  token(home: Home, proof: Credential['proof'], signal: AbortSignal): Promise<Answer<AgentToken>>
}

type RegistrationAnswer = Promise<Answer<Registration>>

export interface HubApiDeps {
  http: Http
  time: HubTime
  clock: Clock
  random: Random
}

export function createHubApi({ http, time, clock, random }: HubApiDeps): HubApi {
  async function send(request: HttpRequest) {
    const sentAt = clock.monotonic()
    const response = await http(request)
    const told = toldBy(response, clock.monotonic() - sentAt)
    return { response, timeCorrected: told !== undefined && time.heard(told) }
  }

  async function register(
    request: Omit<HttpRequest, 'body'>,
    clientId: object,
    attempt: RegistrationAttempt,
  ) {
    const body = attempt.key ? { ...clientId, jwks: { keys: [publicJwk(attempt.key)] } } : clientId
    const headers = {
      ...request.headers,
      'content-type': 'application/json',
      [idempotencyHeader]: attempt.idempotencyKey,
    }
    const { response } = await send({ ...request, headers, body: JSON.stringify(body) })
    return decided(request.url, response, (answer) => parseRegistration(answer, 'registration'))
  }

  return {
    register(home, iat, attempt, signal) {
      const url = `${agentManagement(home)}/register`
      return register({ method: 'POST', url, headers: bearer(iat), ca: home.ca, signal }, {}, attempt)
    },

    rotate(home, { registrationUri: url, registrationToken = '' }, attempt, signal) {
      const headers = bearer(registrationToken)
      return register(
        { method: 'PUT', url, headers, ca: home.ca, signal },
        { client_id: home.agentId },
        attempt,
      )
    },

    async token(home, proof, signal) {
      const { tenant, agentId, ca } = home
      const url = `${agentManagement(home)}/oauth/token`
      const ask = async () => {
        const claims = { tenant, agentId, now: time.now(), jti: random.uuid() }
        const form = new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: clientAssertionType,
          client_assertion: await signAssertion(proof, claims),
        })
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        return send({ method: 'POST', url, headers, body: form.toString(), ca, signal })
      }
      const first = await ask()
      const again = first.timeCorrected && first.response.status !== 200 // signed with a wrong clock
      const { response } = again ? await ask() : first
      return decided(url, response, (answer) => parseAgentToken(answer, 'token'))
    },
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
