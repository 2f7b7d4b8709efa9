import { type Case, casesFor, type GuardedApp, loginPath, redirectCases } from './cases.ts'
import { type Reply, send } from './raw.ts'

export type Verdict = 'closed' | 'bypass' | 'unclear'

export interface Finding {
  app?: string
  name: string
  verdict: Verdict
  /** What came back. */
  answer: string
}

/** Tries every case at the running proxy, one after the other. `nonce` names a path that nobody serves. */
export async function checkProxy(base: URL, apps: readonly GuardedApp[], nonce: string): Promise<Finding[]> {
  const nowhere = await send(base, { target: `/${nonce}/` })
  const findings: Finding[] = []
  for (const one of redirectCases)
    findings.push({ name: one.name, ...judgeRedirect(base, await send(base, one)) })
  for (const app of apps)
    for (const one of casesFor(app))
      findings.push({
        app: app.path,
        name: one.name,
        ...judgeEntry(base, app, await send(base, one), nowhere, one),
      })
  return findings
}

type Judged = Pick<Finding, 'verdict' | 'answer'>

/** The login page may show its form; it may not send or point anybody to another site. */
function judgeRedirect(base: URL, reply: Reply | undefined): Judged {
  if (!reply) return { verdict: 'closed', answer: 'connection closed' }
  const away = reply.location !== undefined && reply.location.origin !== base.origin
  const pointed = /(?:href|action|value|content)=["'][^"']*evil\.example/i.test(reply.body)
  const verdict = away || pointed ? 'bypass' : reply.status >= 500 ? 'unclear' : 'closed'
  return { verdict, answer: described(reply) }
}

function judgeEntry(
  base: URL,
  app: GuardedApp,
  reply: Reply | undefined,
  nowhere: Reply | undefined,
  { target }: Case,
): Judged {
  if (!reply) return { verdict: 'closed', answer: 'connection closed' }
  const answer = described(reply)
  if (reply.status >= 400 && (reply.status < 500 || reply.status === 501 || reply.status === 505))
    return { verdict: 'closed', answer }
  if (reply.status >= 500) return { verdict: 'unclear', answer }
  if (reply.status >= 300 && reply.location) {
    const { origin, pathname } = reply.location
    const toLogin = pathname === loginPath
    // To the normal form of the path, where the guard stands.
    const toNormal =
      pathname.startsWith(app.path) && pathname !== target && [301, 307, 308].includes(reply.status)
    return { verdict: origin === base.origin && (toLogin || toNormal) ? 'closed' : 'bypass', answer }
  }
  // One page for whatever nobody serves is not the app.
  const isNowhere = reply.status === nowhere?.status && reply.body === nowhere.body
  return { verdict: isNowhere ? 'closed' : 'bypass', answer }
}

const described = ({ status, location }: Reply): string =>
  location ? `${status} to ${location.pathname}${location.search}`.slice(0, 120) : String(status)
