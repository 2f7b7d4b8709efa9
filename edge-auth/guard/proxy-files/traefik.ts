import { identityHeaders, otherSpellings, strippedHeaders } from './headers.ts'
import type { ProxyFileConfig, ServedGate } from './served.ts'

export function traefikFile(gates: readonly ServedGate[], config: ProxyFileConfig): string {
  return `# Traefik in front of edgeward and the apps of this box: TLS, the login page, and apps that only those
# reach whom the guard lets in. Traefik 3.3 or newer, dynamic configuration of the file provider. Written by
# "edgeward proxy-config traefik"; write it anew when an app gets another path or address.
#
# Traefik comes over TCP and proves itself by a secret of at least 32 characters. edgeward reads it from the
# file named in auth.proxy_secret_file, Traefik from its environment:
#
#   EDGEWARD_PROXY_SECRET=…
#
# The entry point is "websecure". Let it trust nobody's X-Forwarded-… (forwardedHeaders unset), and refuse or
# delete names with underscores where your release can (http.underscoreHeadersStrategy = "delete").

${yaml(traefikConfig(gates, config))}`
}

/** As the file provider reads it. */
export function traefikConfig(gates: readonly ServedGate[], { listen, cert, key }: ProxyFileConfig) {
  const removed = [...identityHeaders.flatMap((name) => [name, ...otherSpellings(name)]), ...strippedHeaders]
  const edgeward = `http://${listen}`
  const router = { entryPoints: ['websecure'], tls: {} }
  return {
    http: {
      middlewares: {
        // An empty value removes the header.
        'edgeward-strip': {
          headers: {
            customRequestHeaders: {
              ...Object.fromEntries(removed.map((name) => [name, ''])),
              'X-Edgeward-Proxy': '{{ env "EDGEWARD_PROXY_SECRET" }}',
            },
          },
        },
        'edgeward-guard': {
          forwardAuth: {
            address: `${edgeward}/device/edge/auth/verify?mode=redirect`,
            trustForwardHeader: false,
            authResponseHeaders: [...identityHeaders, 'Cookie', 'Authorization'],
            addAuthCookiesToResponse: ['access_token'],
          },
        },
        // The secret ends here; the only protocol to change to is taken by another router.
        'edgeward-keep': {
          headers: { customRequestHeaders: { 'X-Edgeward-Proxy': '', Connection: '', Upgrade: '' } },
        },
      },
      routers: {
        edgeward: {
          ...{ rule: 'PathPrefix(`/device/edge/`) || Path(`/.well-known/oauth-authorization-server`)' },
          ...{ priority: 100_000, middlewares: ['edgeward-strip'], service: 'edgeward', ...router },
        },
        ...Object.fromEntries(gates.flatMap((gate) => routersOf(gate, router))),
      },
      services: {
        edgeward: service(edgeward),
        ...Object.fromEntries(gates.map((gate) => [nameOf(gate), service(gate.upstream)])),
      },
    },
    tls: { stores: { default: { defaultCertificate: { certFile: cert, keyFile: key } } } },
  }
}

function routersOf(gate: ServedGate, router: object): [string, object][] {
  const { path } = gate
  const rule = path === '/' ? 'PathPrefix(`/`)' : `Path(\`${path.slice(0, -1)}\`) || PathPrefix(\`${path}\`)`
  const middlewares = ['edgeward-strip', 'edgeward-guard', 'edgeward-keep']
  return [
    [nameOf(gate), { rule, priority: path.length, middlewares, service: nameOf(gate), ...router }],
    [
      // A WebSocket goes through edgeward, which closes it when its session ends.
      `${nameOf(gate)}-websocket`,
      {
        rule: `(${rule}) && HeaderRegexp(\`Upgrade\`, \`(?i)^websocket$\`)`,
        ...{ priority: 1_000 + path.length, middlewares: ['edgeward-strip'], service: 'edgeward', ...router },
      },
    ],
  ]
}

const nameOf = ({ clientId }: ServedGate): string =>
  `app-${clientId.replaceAll(/[^A-Za-z0-9]/g, (c) => `-${c.charCodeAt(0)}-`)}`

const service = (url: string) => ({ loadBalancer: { servers: [{ url }] } })

type Node = string | number | boolean | readonly Node[] | { readonly [key: string]: Node }

/** Maps as blocks; text in single quotes, in which nothing but a quote means anything. */
function yaml(node: Node, indent = ''): string {
  if (typeof node !== 'object')
    return ` ${typeof node === 'string' ? `'${node.replaceAll("'", "''")}'` : node}\n`
  if (Array.isArray(node))
    return `\n${node.map((item) => `${indent}-${yaml(item, `${indent}  `).replace(/^\n\s*/, ' ')}`).join('')}`
  const entries = Object.entries(node)
  if (entries.length === 0) return ' {}\n'
  const text = entries.map(([key, value]) => `${indent}${key}:${yaml(value, `${indent}  `)}`).join('')
  return indent === '' ? text : `\n${text}`
}
