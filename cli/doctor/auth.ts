import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import type { Places } from '../../main.ts'
import { type DaemonView, type Described, patienceMs } from './daemon-view.ts'

/** The members of `user.list` that are looked at. */
interface ListedUser {
  name: string
  roles: readonly string[]
  enabled: boolean
}

export interface AuthView {
  places: Places
  view: DaemonView
  /** Asks the running daemon; rejects with the `EdgeError` that the operation threw. */
  ask(operation: string, signal: AbortSignal): Promise<unknown>
}

/** The local authority: that it answers, that its store does, and that somebody can administer the box. */
export function authChecks({ places, view, ask }: AuthView): Check[] {
  return [
    {
      id: 'auth',
      title: 'sign-in and introspection',
      needs: ['daemon', 'daemon.listeners'],
      async run(signal) {
        const said = await view.described()
        return said ? describeListeners(said, signal) : skipped('the daemon did not say where they are')
      },
    },
    {
      id: 'auth.store',
      title: 'stores of the box',
      needs: ['daemon', 'daemon.listeners'],
      async run(signal) {
        const said = await view.described()
        return said
          ? describeHealth(said, signal)
          : skipped('the daemon did not say where it tells its health')
      },
    },
    {
      id: 'auth.admin',
      title: 'administrators',
      needs: ['daemon', 'auth.store'],
      async run(signal) {
        const users = (await ask('user.list', signal)) as ListedUser[]
        const file = join(places.runtimeDir, 'first-admin-code')
        const isOffered = await stat(file).then(
          () => true,
          () => false,
        )
        return describeAdmins(users, isOffered ? file : undefined)
      },
    },
  ]
}

const paths = { keys: '/device/edge/auth/oauth2/jwks', introspect: '/device/edge/auth/oauth2/introspect' }
const restart = 'See the log of the daemon, then restart it: "systemctl restart edgeward".'

async function describeListeners(
  { addresses: { auth, introspect } }: Described,
  signal: AbortSignal,
): Promise<Finding> {
  if (auth === undefined) return skipped('the daemon serves nobody')
  const keys = await ask(`${auth}${paths.keys}`, 'GET', signal)
  if (typeof keys === 'string') return failed(`${auth} ${keys}`, restart)
  if (keys.status !== 200 || !isKeySet(keys.body))
    return failed(`${auth} answers with status ${keys.status}, and not as edgeward does`, restart, {
      httpStatus: keys.status,
    })
  if (introspect === undefined) return ok(`${auth} answers`)
  // Without a token: nothing is looked up, and nothing audited.
  const open = await ask(`${introspect}${paths.introspect}`, 'POST', signal)
  if (typeof open === 'string') return failed(`${introspect} ${open}`, restart)
  return open.status >= 500
    ? failed(`${introspect} answers with status ${open.status}`, restart, { httpStatus: open.status })
    : ok(`${auth} and ${introspect} answer`)
}

async function describeHealth({ addresses: { admin } }: Described, signal: AbortSignal): Promise<Finding> {
  if (admin === undefined) return skipped('the daemon has no admin listener')
  const health = await ask(`${admin}/healthz`, 'GET', signal)
  if (typeof health === 'string') return failed(`${admin} ${health}`, restart)
  if (health.status === 200) return ok('all of them answer')
  const faults = faultsOf(health.body)
  return failed(
    faults.length > 0 ? faults.join('; ') : `${admin}/healthz answers with status ${health.status}`,
    'See the log of the daemon and the disk ("dmesg", "df"), then restart it: "systemctl restart edgeward".',
    { httpStatus: health.status },
  )
}

/** The role that comes with the box and may do everything. */
const adminRole = 'Admin'

export function describeAdmins(users: readonly ListedUser[], codeFile: string | undefined): Finding {
  const admins = users.filter(({ roles, enabled }) => enabled && roles.includes(adminRole))
  const facts = { users: users.length, admins: admins.length }
  if (users.length === 0 && codeFile !== undefined)
    return warning(
      `nobody can sign in yet: who has the code in ${codeFile} makes the first administrator`,
      `Open the login page and enter that code ("cat ${codeFile}"), or run "edgeward user add NAME --role ${adminRole}".`,
      facts,
    )
  if (admins.length === 0)
    return warning(
      users.length === 0
        ? 'there is no user, so nobody can sign in'
        : `none of the ${users.length} users is enabled and has the role ${adminRole}: nobody can administer this box by its pages`,
      `Run "edgeward user add NAME --role ${adminRole}" here; the command line needs no administrator.`,
      facts,
    )
  return ok(`${admins.length} of ${users.length} users administer this box`, facts)
}

interface Reply {
  status: number
  body: string
}

/** A listener of this box. What went wrong, in words, when there was no answer. */
function ask(url: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<Reply | string> {
  const { promise, resolve } = Promise.withResolvers<Reply | string>()
  const late = AbortSignal.timeout(patienceMs)
  const headers = method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  const outgoing = request(url, { method, headers, signal: AbortSignal.any([signal, late]) })
  outgoing.on('error', ({ message }) =>
    resolve(late.aborted ? `did not answer within ${patienceMs / 1000} s` : `does not answer: ${message}`),
  )
  outgoing.on('response', (answer) => {
    answer.toArray().then(
      (parts) => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      ({ message }: Error) => resolve(`does not answer: ${message}`),
    )
  })
  outgoing.end()
  return promise
}

function isKeySet(text: string): boolean {
  const { keys } = parsed<{ keys?: unknown }>(text)
  return Array.isArray(keys) && keys.length > 0
}

function faultsOf(text: string): string[] {
  const { faults } = parsed<{ faults?: unknown }>(text)
  return Array.isArray(faults) ? faults.map(String) : []
}

function parsed<T extends object>(text: string): Partial<T> {
  try {
    return (JSON.parse(text) as T | null) ?? {}
  } catch {
    return {}
  }
}
