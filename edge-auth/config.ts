import type { Clock } from '../core/clock.ts'
import type { Operations } from '../core/control.ts'
import type { Logger } from '../core/log.ts'
import type { Http } from '../core/net/index.ts'
import type { Random } from '../core/random.ts'
import type { openThread } from '../core/thread.ts'
import type { AlarmBook } from './alarms/operations.ts'
import type { GuardDefault } from './guard/rules.ts'
import type { AdminSessionsConfig } from './http/admin/sessions.ts'
import type { Rate } from './http/rate.ts'
import type { Hub } from './hub-links/hub-tokens.ts'
import type { Measurements } from './measurements.ts'
import type { PeopleConfig } from './people.ts'
import type { KeptElsewhere } from './retention/retention.ts'

export interface EdgeAuthDeps {
  clock: Clock
  random: Random
  log: Logger
  /** Starts the thread of auth.db; core's own unless told. */
  openThread?: typeof openThread | undefined
  /** Asks identity providers. */
  outgoing: Http
  /** The proven time, while there is one: the audit tells it beside the box's. */
  correctedNow?: (() => number | undefined) | undefined
  /** Takes what apps send to POST /api/v1/readings. */
  measurements: Measurements
  /** Alarms and events of the box; there are none without it. */
  alarms?: AlarmBook | undefined
  /** What else the box can be asked; the administration shows `agent.status` of it. */
  box?: Operations | undefined
  /** What is kept elsewhere and becomes old. */
  kept?: KeptElsewhere | undefined
  /** For tokens of apps for the tenants of the hub; there are none without it. */
  hub?: Hub | undefined
}

export interface EdgeAuthConfig extends PeopleConfig {
  /** State; auth.db lies here. */
  dir: string
  /** What the audit may take of it, in bytes. */
  auditMaxBytes: number
  /** proxy.sock and first-admin-code lie here; must exist, and let the proxy's group pass. */
  runtimeDir: string
  /** host:port of the apps listener. */
  listen: string
  /** host:port where introspection needs no client credentials. */
  introspectListen?: string | undefined
  /** Introspection without client credentials on the apps listener too. */
  introspectPublic: boolean
  /** How often an address may introspect without client credentials. */
  openIntrospectionRate: readonly Rate[]
  /** Group that may open proxy.sock. */
  proxyGroup?: string | undefined
  /** Shows that a request over TCP was passed on by a reverse proxy. */
  proxySecret?: string | undefined
  /** Where no app is known to the guard. */
  guardDefault: GuardDefault
  /** Paths of the certificate that the proxy shows, and of its key. */
  certificate: { cert: string; key: string }
  admin: AdminSessionsConfig
  /** Private tokens of the apps: bytes of all that one keeps, and of one value. */
  kv: { quota: number; maxValueBytes: number }
  /** Networks of the plant where identity providers may be. */
  ssoAllowPrivate: readonly string[]
  /** Life of a token that an app gets for itself. */
  technicalLifetimeMs: number
  /** What this box is called as a tenant of its own apps. */
  localTenant: string
  /** `category/key` or `category/*`: options that nobody can change. */
  lockedOptions: readonly string[]
}
