/** What the administration API answers, as the pages read it; docs/admin-api.openapi.json says all of it. */

export type Level = 'READ' | 'CREATE' | 'UPDATE' | 'ADMIN'
export type Act = 'read' | 'create' | 'update' | 'delete' | 'admin'
export type Permissions = Readonly<Record<string, readonly Level[]>>

export interface Session {
  user: string
  roles: string[]
  permissions: Permissions
}
export interface Problem {
  status: number
  code: string
  detail?: string
}
export interface Profile {
  firstName?: string
  lastName?: string
  email?: string
  phone?: string
}
export interface Account {
  name: string
  alias: string | null
  profile: Profile
  roles: string[]
  scopedRoles: Record<string, string[]>
  apps: string[] | null
  totpRequired: boolean
  signsInHere: boolean
  revision: number
  permissions: Permissions
}
export interface User extends Account {
  owner: string | null
  enabled: boolean
  mustChange: boolean
  validUntil: number | null
  createdAt: number
}
export interface Helper {
  name: string
  roles: string[]
  validUntil: number
}
export interface Role {
  name: string
  description: string
  permissions: Permissions
  owner: string | null
  revision: number
  predefined: boolean
}
export interface Group {
  name: string
  apps: string[]
  owner: string | null
  revision: number
}
export interface OpenSession {
  id: string
  user: string
  createdAt: number
  expiresAt: number
  address: string | null
  userAgent: string | null
}
export interface Denied {
  at: number
  reason?: string
  clientId?: string
  path?: string
  method?: string
  category?: string
  act?: string
}
interface Noted {
  at: number
  message: string
}
export interface App {
  client_id: string
  access: string
  scopes: string[]
  enabled: boolean
  properties: object
  topics: { publish: string[]; subscribe: string[] }
  quota: { messages: number | null; bytes: number | null }
  unit: string | null
  owner: string | null
  createdAt: number
  revision: number
  versions: { version: string; createdAt: number; credential: string }[]
  health?: {
    broker: {
      connections: number
      connectedSince: number | null
      lastMessageAt: number | null
      published: number
      denied: number
      overQuota: number
      errors: Noted[]
    } | null
    guard: { passed: number; denied: number; lastPassedAt: number | null; errors: Noted[] }
  }
}
export interface Rule {
  path: string
  methods: string[]
  roles: string[]
}
export interface Gate {
  client_id: string
  path: string
  upstream: string | null
  roles: string[]
  methods: string[]
  public: string[]
  rules: Rule[]
  withhold_token: boolean
}
export interface Condition {
  claim: string
  operator: '=' | 'in'
  value: string
}
export interface AccessRule {
  when: Condition[]
  roles: string[]
}
export interface Provider {
  name: string
  template: string
  issuer: string
  clientId: string
  providerName: string
  buttonText?: string
  visible: boolean
  userIdClaim: string
  mapping: { mode: string; rules: AccessRule[] }
  hasSecret: boolean
  owner: string | null
  revision: number
}
export interface Entry {
  id: number
  type: string
  category: string
  action: string
  deviceTime: number
  user?: string
  [member: string]: unknown
}
export interface Alarm {
  id: string
  type: string
  source: string
  severity: 'CRITICAL' | 'MAJOR' | 'MINOR' | 'WARNING'
  status: 'ACTIVE' | 'ACKNOWLEDGED' | 'CLEARED'
  text: string
  count: number
  firstOccurrence: number
  lastOccurrence: number
  acknowledgedBy?: string
  clearedAt?: number
}
export interface DeviceEvent {
  id: number
  type: string
  source: string
  text: string
  time: number
}
export interface Mapping {
  type: string
  severity: string | null
  text: string | null
  dropped: boolean
  revision: number
}
export interface Retention {
  id: number
  dataType: string
  fragmentType: string
  type: string
  source: string
  maximumAge: number
  editable: boolean
  owner: string | null
  revision: number
}
export interface Option {
  category: string
  key: string
  value: string
  owner: string | null
  locked: boolean
  revision: number
}
export interface Status {
  identity: {
    state: string
    reason?: string
    tenant?: string
    agentId?: string
    hub?: string
    credentialExpiresAt?: number
  }
  uplink: {
    state: string
    reason?: string
    target?: string
    acknowledgedReadings: number
    lastAckAt?: number
  }
  outbox: {
    readings: number
    bytes: number
    maxBytes: number
    oldestAt?: number
    rates: { in: number; out: number }
    lost: Record<string, number>
  }
  sources: {
    name: string
    protocol: string
    state: string
    reason?: string
    readings: number
    lastReadingAt?: number
  }[]
  alarms: { code: string; message: string; raisedAt: number }[]
  flash: { device?: string; years?: number; processBytesPerDay?: number; reason?: string }
  time: { state: string; source?: string; offsetMs: number; since: number }
}
