import Type, { type Static } from 'typebox'
import type { Operations } from '../../core/control.ts'
import { Invalid } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Gates } from './gates.ts'
import {
  type ProxyFileConfig,
  type ProxyKind,
  proxyFile,
  proxyKinds,
  type ServedGate,
} from './proxy-files/index.ts'
import { fold, type Gate, type Rule } from './rules.ts'

const strict = { additionalProperties: false }
const Name = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
const Path = Type.String({ maxLength: 256 })
const Methods = Type.Array(Type.String({ pattern: '^[A-Z]{1,20}$' }), { uniqueItems: true })
const Roles = Type.Array(Type.String(), { uniqueItems: true })

/** How the guard keeps an app. */
export const gateSettings = Type.Object(
  {
    path: Type.Optional(Path),
    upstream: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    roles: Type.Optional(Roles),
    methods: Type.Optional(Methods),
    public: Type.Optional(Type.Array(Path)),
    rules: Type.Optional(Type.Array(Type.Object({ path: Path, methods: Methods, roles: Roles }, strict))),
    withhold_token: Type.Optional(Type.Boolean()),
  },
  strict,
)
const parseSet = parser(Type.Object({ name: Name, ...gateSettings.properties }, strict))
type Asked = ReturnType<typeof parseSet>
const parseName = parser(Type.Object({ name: Name }, strict))
const parseNothing = parser(Type.Object({}, strict))
const ProxyConfig = Type.Object(
  { proxy: Type.Enum([...proxyKinds]), apps: Type.Optional(Type.Array(Name)) },
  strict,
)
const parseProxyConfig = parser(ProxyConfig)

/** What is not given stays as it is. */
export function guardOperations(
  gates: Gates,
  refuseUnknownRoles: (names: readonly string[]) => void,
  config: ProxyFileConfig,
): Operations {
  return {
    'app.set': async (params) => {
      const asked = parseSet(params, 'app.set')
      const roles = [...(asked.roles ?? []), ...(asked.rules ?? []).flatMap((rule) => rule.roles)]
      const edit = (before: Gate | undefined): Gate => {
        refuseUnknownRoles(roles) // as they are when no other change can come between
        return edited(before, asked)
      }
      return shown(await gates.set(asked.name, edit))
    },
    'app.unset': async (params) => {
      await gates.remove(parseName(params, 'app.unset').name)
    },
    'guard.list': async (params) => {
      parseNothing(params ?? {}, 'guard.list')
      return gates.all().map(shown)
    },
    'proxy.config': async (params) => {
      const { proxy, apps }: Static<typeof ProxyConfig> = parseProxyConfig(params, 'proxy.config')
      return { proxy, text: proxyFile(proxy as ProxyKind, served(gates, apps), config) }
    },
  }
}

function edited(before: Gate | undefined, asked: Asked): Gate {
  const path = asked.path === undefined ? before?.path : ownPath(asked.path)
  if (path === undefined)
    throw new Invalid('the guard does not know where this app is served', {
      cure: 'Give its path, e.g. /press/.',
    })
  const rules: Rule[] = (asked.rules ?? before?.rules ?? []).map((rule) => ({
    ...rule,
    path: ownPath(rule.path),
  }))
  const open = (asked.public ?? before?.public ?? []).map(ownPath)
  for (const inner of [...open, ...rules.map((rule) => rule.path)])
    if (!fold(inner).startsWith(fold(path))) throw new Invalid(`${inner} is not below ${path}`)
  return {
    clientId: asked.name,
    path,
    upstream: asked.upstream === undefined ? (before?.upstream ?? null) : originOf(asked.upstream),
    roles: asked.roles ?? before?.roles ?? [],
    methods: asked.methods ?? before?.methods ?? [],
    rules,
    public: open,
    withholdToken: asked.withhold_token ?? before?.withholdToken ?? false,
  }
}

/** A path needs no encoding, so that no two servers read it differently. */
function ownPath(path: string): string {
  const whole = path.endsWith('/') ? path : `${path}/`
  if (!/^\/(?:[\w~-](?:[\w~.-]*[\w~-])?\/)*$/.test(whole))
    throw new Invalid(`"${path}" is not a path of letters, digits, "-", "_", "~" and inner dots`, {
      cure: 'For example /press/.',
    })
  return whole
}

/** A URL takes hosts that are more than a name to the file of a proxy: `$host`, `a;b`, `{env.x}`. */
const plainHost = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/

function originOf(upstream: string | null): string | null {
  if (upstream === null) return null
  const url = URL.canParse(upstream) ? new URL(upstream) : undefined
  if (
    url?.protocol !== 'http:' ||
    !plainHost.test(url.hostname) ||
    (upstream !== url.origin && upstream !== url.href) ||
    url.href !== `${url.origin}/`
  )
    throw new Invalid(`"${upstream}" is not an address of this network`, {
      cure: 'For example http://127.0.0.1:3000.',
    })
  return url.origin
}

function served(gates: Gates, names: readonly string[] | undefined): ServedGate[] {
  const chosen = names === undefined ? gates.all() : names.map((name) => gateNamed(gates, name))
  return chosen.map((gate) => {
    const { clientId, upstream } = gate
    if (upstream !== null) return { ...gate, upstream }
    throw new Invalid(`the guard does not know where ${clientId} listens`, {
      cure: `edgeward app set ${clientId} --upstream http://127.0.0.1:3000`,
    })
  })
}

function gateNamed(gates: Gates, name: string): Gate {
  const gate = gates.find(name)
  if (gate) return gate
  throw new Invalid(`the guard does not know where ${name} is served`, {
    cure: `edgeward app set ${name} --path /${name}/ --upstream http://127.0.0.1:3000`,
  })
}

const shown = ({ clientId, withholdToken, ...rest }: Gate) => ({
  client_id: clientId,
  ...rest,
  withhold_token: withholdToken,
})
