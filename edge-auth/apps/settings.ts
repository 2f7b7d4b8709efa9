import { isDeepStrictEqual } from 'node:util'
import Type, { type Static } from 'typebox'
import type { Caller } from '../../core/control.ts'
import { Invalid } from '../../core/errors.ts'
import type { Authority } from '../permissions/authority.ts'
import { refuseBadFilters, refuseUnknownScopes, scopes } from './access.ts'
import type { AppSettings, ListedApp } from './apps.ts'

const strict = { additionalProperties: false }
const Filters = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 64, uniqueItems: true })
const Limit = Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 1e9 }), Type.Null()]))

/** What is not given stays as it is. */
export const settingsSchema = Type.Object(
  {
    access: Type.Optional(Type.Enum(['read_write', 'limited', 'custom'])),
    scopes: Type.Optional(
      Type.Array(Type.String(), {
        uniqueItems: true,
        maxItems: scopes.length,
        description: `With access custom: ${scopes.join(', ')}.`,
      }),
    ),
    enabled: Type.Optional(Type.Boolean()),
    properties: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'Up to 16 KiB.' })),
    topics: Type.Optional(
      Type.Object({ publish: Type.Optional(Filters), subscribe: Type.Optional(Filters) }, strict),
    ),
    quota: Type.Optional(Type.Object({ messages: Limit, bytes: Limit }, strict)),
    unit: Type.Optional(
      Type.Union([Type.String({ pattern: '^[A-Za-z0-9:_.@-]{1,200}\\.service$' }), Type.Null()]),
    ),
  },
  strict,
)
type Asked = Static<typeof settingsSchema>

const maxPropertyBytes = 16 * 1024
/** Whoever reads JSON can read so much; far deeper nesting cannot even be written. */
const maxPropertyDepth = 32

/**
 * What differs from how the app is. Who may manage only his own apps sets their properties; what an app
 * may do is decided by who may change every app, and which unit's log is shown by who holds the machine.
 */
export function changeOf(asked: Asked, caller: Caller, authority: Pick<Authority, 'demand' | 'refuse'>) {
  const need = { category: 'Applications', act: 'update' } as const
  const { properties, ...beyond } = asked
  return (app: ListedApp): Partial<AppSettings> => {
    const isOwn = caller.user !== undefined && app.owner === caller.user
    authority.demand(caller, need, isOwn && Object.keys(beyond).length === 0)
    if (asked.unit !== undefined && caller.user !== undefined)
      authority.refuse(caller, need, 'the unit of an app is set by the command line', 'machine_only')
    refuseFaulty(asked)
    const wanted = whole(asked, app)
    return Object.fromEntries(
      Object.entries(wanted).filter(([key, value]) => !isDeepStrictEqual(value, app[key as keyof ListedApp])),
    )
  }
}

function whole({ topics, quota, access, scopes, ...plain }: Asked, app: ListedApp): Partial<AppSettings> {
  const custom = access ?? app.access
  if (scopes !== undefined && custom !== 'custom')
    throw new Invalid('scopes are chosen with access custom', { cure: 'Set access to custom.' })
  return {
    ...plain,
    ...(access && { access, scopes: custom === 'custom' ? (scopes ?? app.scopes) : [] }),
    ...(scopes && { scopes: [...scopes].sort() }),
    ...(topics && { topics: { ...app.topics, ...topics } }),
    ...(quota && { quota: { ...app.quota, ...quota } }),
  } as Partial<AppSettings>
}

function refuseFaulty({ scopes, topics, properties }: Asked): void {
  if (scopes) refuseUnknownScopes(scopes)
  refuseBadFilters([...(topics?.publish ?? []), ...(topics?.subscribe ?? [])])
  if (isDeeper(properties, maxPropertyDepth))
    throw new Invalid(`properties are nested more than ${maxPropertyDepth} deep`)
  if (Buffer.byteLength(JSON.stringify(properties ?? {})) > maxPropertyBytes)
    throw new Invalid(`properties have more than ${maxPropertyBytes} bytes`)
}

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1)))
