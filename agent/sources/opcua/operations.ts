import Type, { type Static } from 'typebox'
import type { Clock } from '../../../core/clock.ts'
import type { Operations } from '../../../core/control.ts'
import { Invalid } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Random } from '../../../core/random.ts'
import { parser } from '../../../core/schema.ts'
import { qualityName } from '../../../protocol/reading.ts'
import type { Sharing } from '../shared.ts'
import { pkiDirOf, stackKey } from './index.ts'
import { isInstalled } from './installed.ts'
import { type BrowsedNode, type Login, securityModes, securityPolicies } from './messages.ts'
import { isEndpoint, isNodeId, securityOf } from './settings.ts'
import { openStack } from './stack.ts'
import { certificates, type ServerCertificate, trust } from './trust.ts'

export interface OpcuaOperationsDeps extends Sharing {
  clock: Clock
  random: Random
  log: Logger
  pkiDir: string
}

/** A node as it is shown; a value beyond what JSON has as a number is text. */
export interface ShownNode extends Omit<BrowsedNode, 'value' | 'children'> {
  value?: string | number | boolean | null
  /** Of the value, where it is not Good. */
  quality?: string
  children: ShownNode[]
}

const Browse = Type.Object(
  {
    endpoint: Type.String({ minLength: 1, maxLength: 1_000 }),
    node: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    depth: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
    maxNodes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    securityPolicy: Type.Optional(Type.Enum(securityPolicies)),
    securityMode: Type.Optional(Type.Enum(securityModes)),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    password: Type.Optional(Type.String({ maxLength: 10_000 })),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  },
  { additionalProperties: false },
)
export type BrowseParams = Static<typeof Browse>

const params = {
  browse: parser(Browse),
  trust: parser(
    Type.Object(
      { fingerprint: Type.String({ pattern: '^[\\da-fA-F:\\s]{40,95}$' }) },
      { additionalProperties: false },
    ),
  ),
  none: parser(Type.Object({}, { additionalProperties: false })),
}

const objectsFolder = 'i=85'
const browseLimitMs = 300_000

/** What a technician asks of OPC UA servers, apart from the data sources. */
export function opcuaOperations(deps: OpcuaOperationsDeps): Operations {
  const { clock, random, log } = deps
  const pkiDir = pkiDirOf(deps.pkiDir)
  return {
    async 'agent.opcuaBrowse'(given): Promise<ShownNode> {
      const asked = params.browse(given, 'agent.opcuaBrowse')
      const { endpoint, node = objectsFolder, depth = 2, maxNodes = 1_000, timeoutMs = 10_000 } = asked
      if (!isEndpoint(endpoint))
        throw new Invalid(`"${endpoint}" is no endpoint`, { cure: 'Write it as opc.tcp://10.0.0.5:4840.' })
      if (!isNodeId(node)) throw new Invalid(`"${node}" is no node id`, { cure: 'Write it as ns=2;s=Press.' })
      await using shared = deps.share(stackKey, () => openStack({ clock, random, log, isInstalled }))
      const connection = await shared.value.connect(
        { ...securityOf(asked), endpoint, login: loginOf(asked), pkiDir, timeoutMs },
        { values: async () => {}, granted() {}, lost() {} },
        AbortSignal.timeout(browseLimitMs),
      )
      try {
        return shown(await connection.browse({ node, depth, maxNodes }))
      } finally {
        await connection.close()
      }
    },

    async 'agent.opcuaCertificates'(given): Promise<ServerCertificate[]> {
      params.none(given, 'agent.opcuaCertificates')
      return certificates(pkiDir)
    },

    async 'agent.opcuaTrust'(given): Promise<ServerCertificate> {
      const { fingerprint } = params.trust(given, 'agent.opcuaTrust')
      const trusted = await trust(pkiDir, fingerprint)
      log.info({ thumbprint: trusted.thumbprint, subject: trusted.subject }, 'OPC UA server trusted')
      return trusted
    },
  }
}

function loginOf({ user, password }: BrowseParams): Login {
  if ((user === undefined) !== (password === undefined)) throw new Invalid('user and password go together')
  return user === undefined || password === undefined ? { by: 'nobody' } : { by: 'password', user, password }
}

function shown({ value, children, ...node }: BrowsedNode): ShownNode {
  return {
    ...node,
    ...(value === undefined ? {} : { value: inJson(value.value) }),
    ...(value?.name === undefined ? {} : { quality: value.name ?? qualityName(value.status) }),
    children: children.map(shown),
  }
}

function inJson(value: string | number | bigint | boolean | null): string | number | boolean | null {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}
