import { identityHeaders, strippedHeaders } from './headers.ts'
import type { ProxyFileConfig, ServedGate } from './served.ts'

export function nginxFile(gates: readonly ServedGate[], config: ProxyFileConfig): string {
  return `# nginx in front of edgeward and the apps of this box: TLS, the login page, and apps that only those reach
# whom the guard lets in. nginx 1.18 or newer. Written by "edgeward proxy-config nginx"; write it anew
# when an app gets another path or address.
#
#   edgeward proxy-config nginx > /etc/nginx/conf.d/edgeward.conf && nginx -t && nginx -s reload
#
# nginx's workers must be able to open proxy.sock: set proxy_group = "www-data" (the group of nginx) in the
# [auth] section of edgeward.toml.

upstream edgeward {
    # Only the reverse proxy can open this socket; that is how edgeward knows it.
    server unix:${config.socket};
    keepalive 8;
}
${gates.map(upstream).join('')}
# The one protocol to change to.
map $http_upgrade $edgeward_websocket {
    default        '';
    ~*^websocket$  websocket;
}

server {
    listen 80;
    listen [::]:80;
    return 308 https://$host$request_uri;
}

server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;

    # The certificate that edgeward keeps; "edgeward cert show" prints the CA for browsers to trust.
    ssl_certificate     ${config.cert};
    ssl_certificate_key ${config.key};
    ssl_protocols       TLSv1.2 TLSv1.3;

    # Redirects name a path and nothing else: the box may be known by many names and addresses.
    absolute_redirect off;
    proxy_http_version 1.1;
${gates.length > 0 ? toldToApps : ''}
    # The login page, introspection and the rest of edgeward.
    location /device/edge/ {
        proxy_pass http://edgeward;
${edgewardHeaders(8)}
    }
    location = /.well-known/oauth-authorization-server {
        proxy_pass http://edgeward;
${edgewardHeaders(8)}
    }
${gates.map(location).join('')}${gates.some(({ path }) => path === '/') ? '' : nothingElse}${gates.length > 0 ? questions() : ''}}
`
}

/** What the locations of the apps go to. nginx knows its variables only where an app sets them. */
const questions = () => `
    # nginx asks edgeward before it passes a request on.
    location = /edgeward-verify {
        internal;
        proxy_pass http://edgeward/device/edge/auth/verify;
        proxy_pass_request_body off;
        proxy_buffer_size 32k; # the answer holds the cookies that the app may see
        proxy_buffers 8 32k;
${edgewardHeaders(8, { 'X-Original-Uri': '$request_uri', 'X-Original-Method': '$request_method', 'Content-Length': '""' })}
    }

    # nginx cannot encode a URL, so edgeward has said where to sign in and come back from. A script is
    # only told that nobody is signed in.
    location @edgeward_login {
        if ($edgeward_redirect = '') {
            return 401;
        }
        return 302 $edgeward_redirect;
    }

    location @edgeward_denied {
        rewrite ^ /device/edge/auth/denied break;
        proxy_pass http://edgeward;
        proxy_method GET;
        proxy_pass_request_body off;
${edgewardHeaders(8, { 'Content-Length': '""' })}
    }

    # A WebSocket goes through edgeward, which closes it when its session ends.
    location @edgeward_websocket {
        proxy_pass http://edgeward;
        proxy_read_timeout 1h; # it may be silent for long
        proxy_send_timeout 1h;
${edgewardHeaders(8, { Upgrade: '$edgeward_websocket', Connection: 'upgrade' })}
    }
`

const nothingElse = `
    location / {
        return 404;
    }
`

const nameOf = ({ clientId }: ServedGate): string =>
  `edgeward_app_${clientId.replaceAll(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0)}_`)}`

const upstream = (gate: ServedGate): string => `
upstream ${nameOf(gate)} {
    server ${new URL(gate.upstream).host.replace(/^[^:]+$|^\[[^\]]+\]$/, '$&:80')};
    keepalive 8;
}
`

const location = (gate: ServedGate): string => `
    # The app ${gate.clientId}. Without its auth_request line it would be open to everybody.
    location ${gate.path} {
        if ($edgeward_websocket) {
            return 418;
        }
        error_page 418 = @edgeward_websocket;

        auth_request     /edgeward-verify;
        auth_request_set $edgeward_user     $upstream_http_x_auth_user;
        auth_request_set $edgeward_roles    $upstream_http_x_auth_roles;
        auth_request_set $edgeward_cookie   $upstream_http_cookie;
        auth_request_set $edgeward_bearer   $upstream_http_authorization;
        auth_request_set $edgeward_redirect $upstream_http_x_auth_redirect;
        auth_request_set $edgeward_renewed  $upstream_http_set_cookie;
        error_page 401 = @edgeward_login;
        error_page 403 = @edgeward_denied;

        proxy_pass http://${nameOf(gate)};
        add_header Set-Cookie $edgeward_renewed always;
    }
`

const [userHeader, rolesHeader] = identityHeaders
const forwarded = {
  Host: '$http_host',
  'X-Forwarded-For': '$remote_addr',
  'X-Forwarded-Host': '$http_host',
  'X-Forwarded-Proto': '$scheme',
}
const nothing = Object.fromEntries(['X-Edgeward-Proxy', ...strippedHeaders].map((name) => [name, '""']))

const appHeaders = lines(4, {
  ...forwarded,
  Connection: '""',
  Upgrade: '""',
  // Without the cookies that are edgeward's own, and without the token where the app is not to see it.
  Cookie: '$edgeward_cookie',
  // Without a password that was meant for edgeward.
  Authorization: '$edgeward_bearer',
  // Who has signed in; empty where nobody was asked.
  [userHeader]: '$edgeward_user',
  [rolesHeader]: '$edgeward_roles',
  ...nothing,
})

const toldToApps = `
    # What apps are told. All of it is ours: a header set here replaces what the client sent, one set to ""
    # is removed. nginx itself drops names with underscores or dots. A location that has a
    # proxy_set_header of its own inherits none of these.
${appHeaders}
`

function edgewardHeaders(indent: number, more: Record<string, string> = {}): string {
  const none = { [userHeader]: '""', [rolesHeader]: '""' }
  return lines(indent, { ...forwarded, Connection: '""', Upgrade: '""', ...none, ...nothing, ...more })
}

function lines(indent: number, headers: Record<string, string>): string {
  const width = Math.max(...Object.keys(headers).map((name) => name.length))
  return Object.entries(headers)
    .map(([name, value]) => `${' '.repeat(indent)}proxy_set_header ${name.padEnd(width)} ${value};`)
    .join('\n')
}
