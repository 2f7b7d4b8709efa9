/**
 * What this process and the child with the OPC UA stack say to each other. The channel carries structured
 * clones: a bigint, NaN and undefined arrive as they are.
 */

export const securityPolicies = [
  'None',
  'Basic256Sha256',
  'Aes128_Sha256_RsaOaep',
  'Aes256_Sha256_RsaPss',
] as const
export type SecurityPolicyName = (typeof securityPolicies)[number]

export const securityModes = ['None', 'Sign', 'SignAndEncrypt'] as const
export type SecurityModeName = (typeof securityModes)[number]

export type Login =
  | { by: 'nobody' }
  | { by: 'password'; user: string; password: string }
  /** PEM. */
  | { by: 'certificate'; certificate: string; key: string }

/** How a server is connected to. */
export interface Opening {
  endpoint: string
  securityPolicy: SecurityPolicyName
  securityMode: SecurityModeName
  login: Login
  /** Trusted and rejected certificates, and the box's own. */
  pkiDir: string
  /** For each request. */
  timeoutMs: number
}

/** A node that is read or watched; known by its place in the list. */
export interface Item {
  /** As OPC UA writes it; `nsu=<uri>;` instead of `ns=<index>;` is looked up anew at each connect. */
  nodeId: string
  indexRange?: string | undefined
  samplingMs: number
  queueSize: number
  /** Also a new time alone is told. */
  withTime: boolean
  /** Left to the server. `Percent` only of the range that the server itself knows. */
  deadband?: { type: 'Absolute' | 'Percent'; value: number } | undefined
  /** The range that the server knows is asked for. */
  wantsRange: boolean
}

/** Kinds that a data point can take; `array` and `structure` have no value here. */
export type WireKind = 'scalar' | 'array' | 'structure'

export interface WireValue {
  item: number
  kind: WireKind
  value: number | bigint | string | boolean | null
  /** StatusCode as it came. */
  status: number
  /** Its name, where it is not Good. */
  name?: string
  /** Epoch milliseconds. */
  sourceTime?: number
  serverTime?: number
}

/** What went wrong, as far as the stack knows; words are made of it in this process. */
export interface WireFault {
  /** Of the system, such as ECONNREFUSED. */
  errno?: string
  /** Name of a StatusCode. */
  status?: string
  message: string
  /** Of the server's certificate, where that is what is not accepted. */
  certificate?: { thumbprint: string; subject: string }
}

export interface Subscribed {
  /** Name of the StatusCode by which the server refuses subscriptions. */
  refused?: string
  /** What the server did not grant, in words for the status. */
  notes: Note[]
  ranges: { item: number; low: number; high: number }[]
}

/** percent_without_range: the server knows no range; deadband_refused: it filters not at all. */
export interface Note {
  item: number
  what: 'percent_without_range' | 'deadband_refused'
}

export interface BrowsedNode {
  nodeId: string
  browseName: string
  displayName: string
  nodeClass: string
  /** Of a variable: name of its data type, and its value. */
  dataType?: string
  value?: WireValue
  /** It has more than are shown. */
  more?: true
  children: BrowsedNode[]
}

export interface BrowseAsked {
  node: string
  depth: number
  maxNodes: number
}

/** What the child can be asked for; `link` names a connection. */
export interface Calls {
  open(link: number, opening: Opening): void
  /** Replaces what the connection watched before. */
  subscribe(link: number, publishingMs: number, items: Item[]): Subscribed
  /** Of all items, or of those at these places. */
  read(link: number, items: Item[], at?: number[]): WireValue[]
  browse(link: number, asked: BrowseAsked): BrowsedNode
  close(link: number): void
  /** Closes all; the child ends after that. */
  end(): void
}

export type ToChild =
  | { [K in keyof Calls]: { id: number; call: K; args: Parameters<Calls[K]> } }[keyof Calls]
  /** So many batches have been kept. */
  | { kept: number; link: number }

export type ToParent =
  | { ready: true }
  | { id: number; result: unknown }
  | { id: number; fault: WireFault }
  | { link: number; values: WireValue[] }
  | { link: number; granted: Subscribed }
  | { link: number; lost: WireFault }

/** Batches that may be on the way; then the child stops asking the server for more. */
export const maxBatchesOnTheWay = 16
/** Values in one. */
export const maxBatch = 1_000
