import Type, { type Static } from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { Invalid, NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import { type Filter, parseFilter } from './filter.ts'
import type { PrivateTokens } from './index.ts'
import type { Owner, TokenHead } from './token.ts'

export interface KvOperationsDeps {
  kv: PrivateTokens
  apps: {
    find(clientId: string): { createdAt: number } | undefined
  }
  audit: {
    privateTokenShown(clientId: string, name: object): void
    privateTokensRemoved(clientId: string, removed: object): void
  }
  /** Throws for who may not. */
  demand(caller: Caller, need: { category: 'TokenStore'; act: 'read' | 'delete' }): void
}

const strict = { additionalProperties: false }
const App = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
const parseList = parser(
  Type.Object(
    {
      app: Type.Optional(App),
      relatedId: Type.Optional(Type.String()),
      filter: Type.Optional(Type.String()),
      startIndex: Type.Optional(Type.Integer({ minimum: 0 })),
      count: Type.Optional(Type.Integer({ minimum: 0, maximum: 500 })),
    },
    strict,
  ),
)
const parseShow = parser(Type.Object({ app: App, relatedId: Type.String(), key: Type.String() }, strict))
const Which = Type.Object(
  {
    app: App,
    relatedId: Type.Optional(Type.String()),
    key: Type.Optional(Type.String()),
    /** So that what was left out by mistake does not stand for everything. */
    all: Type.Optional(Type.Boolean()),
  },
  strict,
)
const parseWhich = parser(Which)
const parseNothing = parser(Type.Object({}, strict))

/** What administrators may do with what apps keep for themselves: they never write. */
export function kvOperations({ kv, apps, audit, demand }: KvOperationsDeps): Operations {
  const ownerOf = (app: string): Owner => {
    const since = apps.find(app)?.createdAt
    if (since === undefined) throw new NotFound(`there is no app ${app}`)
    return { clientId: app, since }
  }
  return {
    'kv.list': async (params, caller) => {
      demand(caller, { category: 'TokenStore', act: 'read' })
      const { app, relatedId, filter, startIndex = 0, count = 100 } = parseList(params ?? {}, 'kv.list')
      const owner = app === undefined ? undefined : ownerOf(app)
      const wish = { owner, relatedId, filter: filterOf(filter), from: startIndex, count }
      const { heads, total } = await kv.list(wish)
      const paging = { totalResults: total, startIndex, itemsPerPage: heads.length }
      return { resources: heads.map(described), ...paging }
    },
    'kv.show': async (params, caller) => {
      demand(caller, { category: 'TokenStore', act: 'read' })
      const { app, relatedId, key } = parseShow(params, 'kv.show')
      const token = await kv.open(ownerOf(app), { relatedId, key })
      if (!token) throw new NotFound('there is no such token')
      try {
        await token.check()
        audit.privateTokenShown(app, { relatedId, key })
        return { ...described(token.head), value: (await Array.fromAsync(token.value())).join('') }
      } finally {
        token.close()
      }
    },
    'kv.remove': async (params, caller) => {
      demand(caller, { category: 'TokenStore', act: 'delete' })
      const { app, relatedId, key } = whichOf(params)
      const count = await kv.remove(ownerOf(app), relatedId, key)
      if (count === 0 && key !== undefined) throw new NotFound('there is no such token')
      if (count > 0) audit.privateTokensRemoved(app, { relatedId, key, count })
      return { removed: count }
    },
    'kv.quota': async (params, caller) => {
      demand(caller, { category: 'TokenStore', act: 'read' })
      parseNothing(params ?? {}, 'kv.quota')
      const usage = await kv.usage()
      const fault = kv.fault && { code: kv.fault.code, message: kv.fault.message, cure: kv.fault.cure }
      return {
        quota: kv.quota,
        maxValue: kv.maxValueBytes,
        apps: usage.map(({ clientId, tokens, used }) => ({ app: clientId, tokens, used })),
        ...(fault ? { fault } : {}),
      }
    },
  }
}

function whichOf(params: unknown): Static<typeof Which> {
  const which = parseWhich(params, 'kv.remove')
  const { relatedId, key, all } = which
  if (key !== undefined && relatedId === undefined) throw new Invalid('kv.remove: a key needs its relatedId')
  if ((relatedId === undefined) !== (all === true))
    throw new Invalid('kv.remove: either a relatedId, or "all" for everything that the app keeps')
  return which
}

const filterOf = (filter: string | undefined): Filter | undefined =>
  filter === undefined ? undefined : parseFilter(filter)

const described = ({ clientId, relatedId, key, bytes, createdAt, updatedAt, damaged }: TokenHead) => ({
  ...{ app: clientId, relatedId, key, size: bytes, createdAt, updatedAt },
  ...(damaged ? { damaged } : {}),
})
