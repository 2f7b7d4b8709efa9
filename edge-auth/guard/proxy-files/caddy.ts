import { identityHeaders, otherSpellings, strippedHeaders } from './headers.ts'
import type { ProxyFileConfig, ServedGate } from './served.ts'

export function caddyFile(gates: readonly ServedGate[], config: ProxyFileConfig): string {
  const edgeward = `unix/${config.socket}`
  return `# Caddy in front of edgeward and the apps of this box: TLS, the login page, and apps that only those reach
# whom the guard lets in. Caddy 2.6 or newer. Written by "edgeward proxy-config caddy"; write it anew when
# an app gets another path or address.
#
#   edgeward proxy-config caddy > /etc/caddy/Caddyfile && caddy validate --config /etc/caddy/Caddyfile
#   systemctl reload caddy
#
# Caddy must be able to open proxy.sock, which is how edgeward knows it: set proxy_group = "caddy" in the
# [auth] section of edgeward.toml. It must be able to read the key of the certificate, too.

# What a client says about itself in headers that somebody behind the proxy believes. X-Forwarded-For,
# -Host and -Proto are Caddy's own.
(edgeward_strip) {
${[...identityHeaders.flatMap((name) => [name, ...otherSpellings(name)]), 'X-Edgeward-Proxy', ...strippedHeaders].map((name) => `\trequest_header -${name}`).join('\n')}
}

# Caddy asks edgeward before it passes a request on. What edgeward answers to who may not pass goes to the
# client as it is: the way to the login page, or why not.
(edgeward_guard) {
	# A client could name our headers in Connection, and have them taken away.
	request_header -Connection
	request_header -Upgrade
	reverse_proxy ${edgeward} {
		method GET
		rewrite /device/edge/auth/verify?mode=redirect
		header_up X-Forwarded-Method {method}
		header_up X-Forwarded-Uri {uri}

		# The password was meant for edgeward.
		@basic {
			status 200
			header X-Auth-Basic *
		}
		handle_response @basic {
			request_header -Authorization
			import edgeward_identity
		}
		@renewed {
			status 200
			header Set-Cookie *
		}
		handle_response @renewed {
			copy_response_headers {
				include Set-Cookie
			}
			import edgeward_identity
		}
		@signed_in {
			status 200
			header X-Auth-User *
		}
		handle_response @signed_in {
			import edgeward_identity
		}
		@open status 200
		handle_response @open {
			request_header Cookie {http.reverse_proxy.header.Cookie}
		}
	}
}

# Who has signed in, and the cookies that the app may see.
(edgeward_identity) {
${[...identityHeaders, 'Cookie'].map((name) => `\trequest_header ${name} {http.reverse_proxy.header.${name}}`).join('\n')}
}

:80 {
	redir https://{host}{uri} 308
}

:443 {
	# The certificate that edgeward keeps; "edgeward cert show" prints the CA for browsers to trust.
	tls ${config.cert} ${config.key}

	route {
		import edgeward_strip

		# The login page, introspection and the rest of edgeward.
		@edgeward path /device/edge/* /.well-known/oauth-authorization-server
		handle @edgeward {
			request_header -Connection
			request_header -Upgrade
			reverse_proxy ${edgeward}
		}
${gates.map((gate) => site(gate, edgeward)).join('')}
		handle {
			respond 404
		}
	}
}
`
}

function site({ clientId, path, upstream }: ServedGate, edgeward: string): string {
  const name = clientId.replaceAll(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0)}_`)
  const paths = path === '/' ? '*' : `${path.slice(0, -1)} ${path}*`
  return `
		# The app ${clientId}. A WebSocket goes through edgeward, which closes it when its session ends.
		@websocket_${name} {
			path ${paths}
			header_regexp Upgrade (?i)^websocket$
		}
		handle @websocket_${name} {
			reverse_proxy ${edgeward}
		}
		@app_${name} path ${paths}
		handle @app_${name} {
			import edgeward_guard
			reverse_proxy ${new URL(upstream).host.replace(/^[^:]+$|^\[[^\]]+\]$/, '$&:80')}
		}
`
}
