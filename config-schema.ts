import Type, { type StaticDecode, type TSchema } from 'typebox'
import { commandKinds } from './protocol/commands.ts'

/**
 * The one schema of the configuration: defaults and descriptions stand here and nowhere else.
 * Secrets never do: they come from files or systemd credentials.
 */

export const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function toMs(text: string): number {
  const [, count, unit] = /^(\d+)(\w+)$/.exec(text) as unknown as [string, string, keyof typeof units]
  return Number(count) * units[unit]
}

/** "250ms", "10s", "7d" → milliseconds. */
const durationOf = (description: string, options: { default?: string } = {}) =>
  Type.Codec(
    Type.String({
      pattern: '^\\d{1,9}(ms|s|m|h|d)$',
      description: `${description} A duration such as "250ms", "10s" or "7d".`,
      ...options,
    }),
  )
    .Decode(toMs)
    .Encode((ms) => `${ms}ms`)
const duration = (value: string, description: string) => durationOf(description, { default: value })
const optionalDuration = (description: string) => Type.Optional(durationOf(description))

const listen = (value: string, description: string) =>
  Type.String({
    pattern: '^(\\[[^\\]]+\\]|[^:]+):\\d{1,5}$',
    default: value,
    description: `${description} host:port; port 0 takes any.`,
  })
const optionalListen = (description: string) =>
  Type.Optional(Type.String({ pattern: '^(\\[[^\\]]+\\]|[^:]+):\\d{1,5}$', description }))
const optionalText = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const choice = <const V extends string>(values: readonly V[], value: V, description: string) =>
  Type.Enum(values, { default: value, description: `${description} ${values.join(' or ')}.` })
const integer = (value: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: value, minimum, maximum, description })
/** ["15/30s", "100/3m"] → at most so many in any span of so long; all of them hold. */
const rates = (value: string[], description: string) =>
  Type.Codec(
    Type.Array(Type.String({ pattern: '^[1-9]\\d{0,8}/\\d{1,9}(ms|s|m|h|d)$' }), {
      default: value,
      description: `${description} Each as "15/30s": so many in any span of so long; none for no limit.`,
    }),
  )
    .Decode((texts) =>
      texts.map((text) => {
        const [count, span] = text.split('/') as [string, string]
        return { count: Number(count), spanMs: toMs(span) }
      }),
    )
    .Encode((decoded) => decoded.map(({ count, spanMs }) => `${count}/${spanMs}ms`))
const section = <P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Object(properties, { additionalProperties: false, default: {}, description })

export const ConfigSchema = Type.Object(
  {
    device: section('This box.', {
      name: optionalText('Shown in status and on pages; the host name unless set.'),
    }),
    agent: section('Identity: taking the box in and rotating its credentials.', {
      retry_initial: duration(
        '1s',
        'First delay after a failed attempt to reach the hub; doubled each time.',
      ),
      retry_max: duration('5m', 'Longest delay between attempts to reach the hub.'),
      boarding_dir: optionalText(
        'Folder whose boarding files, owned by root, are taken as they come, e.g. /etc/edgeward/boarding. Off unless set.',
      ),
      stick_dir: optionalText(
        'Folder below which USB sticks are mounted, e.g. /media: while the box is not onboarded, a boarding file on one is offered for "edgeward onboard --confirm". Off unless set.',
      ),
      remote_commands: Type.Array(Type.Enum([...commandKinds]), {
        default: [],
        description: `What the hub may have done on this box: any of ${commandKinds.join(', ')}. Nothing unless set.`,
      }),
      supervised: Type.Boolean({
        default: false,
        description:
          'Whoever starts edgeward starts it again when it ends, as Docker does with a restart policy. systemd is recognised without.',
      }),
      trust_ntp: Type.Boolean({
        default: true,
        description: 'Believe the clock of the box while the system says that NTP keeps it.',
      }),
    }),
    uplink: section('Delivery of batches to the hub.', {
      format: choice(
        ['columnar', 'insights'],
        'columnar',
        'What travels over MQTT: our own batches, or Insights Hub time series as JSON, which need uplink.trust_puback.',
      ),
      trust_puback: Type.Boolean({
        default: false,
        description:
          'Take a PUBACK for a commit. For a far side that sends no acknowledgements of its own; what is promised then ends at that broker.',
      }),
      window: integer(32, 1, 1000, 'Messages sent and not yet acknowledged.'),
      ack_timeout: duration('30s', 'Reconnect when the oldest message in flight is older than this.'),
      min_interval: duration('1s', 'Shortest span of live readings in a message, on a fast link.'),
      max_interval: duration('10s', 'Longest span of live readings in a message, on a slow link.'),
      max_bytes: integer(
        100_000,
        1_000,
        10_000_000,
        'Largest message; less where the far side announces less.',
      ),
      retry_initial: duration('500ms', 'First delay before reconnecting; doubled each time, with jitter.'),
      retry_max: duration('30s', 'Longest delay before reconnecting.'),
    }),
    outbox: section('Readings on disk until the hub has acknowledged them.', {
      mode: choice(
        ['spill', 'always'],
        'spill',
        'spill: what the hub acknowledges within the commit interval is not written to disk; always: everything is.',
      ),
      commit_interval: duration('250ms', 'Longest time a reading waits for its commit.'),
      commit_bytes: integer(65_536, 1024, 1_048_576, 'A commit is made at once when this much waits.'),
      max_bytes: integer(
        1_073_741_824,
        16_777_216,
        1_099_511_627_776,
        'All that the outbox may take on disk, its log and ballast included.',
      ),
      when_full: choice(
        ['drop_oldest', 'refuse_new'],
        'drop_oldest',
        'When max_bytes are used. Events make place for themselves in either case. What is lost stands in the loss ledger.',
      ),
      max_age: optionalDuration('Older batches are dropped, with a row in the loss ledger. Off unless set.'),
    }),
    sources: section('Acquisition of readings.', {
      min_interval: duration('100ms', 'A data source configuration may not ask for a shorter interval.'),
      dir: Type.String({
        default: '/etc/edgeward/sources.d',
        minLength: 1,
        description:
          'Folder whose *.toml files say what is measured beside what the hub asks for; read at start and when they change.',
      }),
      confirm_timeout: duration(
        '60s',
        'How long a new configuration may take to show that its sources read, until the one before comes back. 0s: it counts at once.',
      ),
    }),
    broker: section('Local MQTT broker for edge apps.', {
      listen: listen('127.0.0.1:1883', 'Plain MQTT.'),
      tls_listen: optionalListen(
        'MQTT over TLS with the certificate of this box, e.g. 0.0.0.0:8883; off unless set.',
      ),
    }),
    auth: section('Users, sessions, introspection, the guard of the apps.', {
      listen: listen('127.0.0.1:8480', 'Apps listener, behind the reverse proxy.'),
      introspect_listen: optionalListen(
        'Introspection without client credentials, for the internal network of the apps; never proxied. Off unless set.',
      ),
      introspect_public: Type.Boolean({
        default: false,
        description: 'Introspection without client credentials on the apps listener too.',
      }),
      proxy_group: optionalText('Group that may open proxy.sock, e.g. www-data.'),
      proxy_secret_file: optionalText(
        'File with the secret by which a proxy that comes over TCP, such as Traefik, shows that it is one (X-Edgeward-Proxy). Without it only proxy.sock is trusted.',
      ),
      guard_default: choice(
        ['signed_in', 'deny'],
        'signed_in',
        'Who passes to a path of which the guard knows no app: whoever is signed in, or nobody.',
      ),
      session_preset: choice(
        ['custom', 'recommended', 'fixed'],
        'custom',
        'custom: as the keys below say; recommended: 8 h, renewed after 45 min, ends after 90 min without use; fixed: 14 d and no renewal.',
      ),
      session_absolute: duration('14d', 'Longest life of a session, however often it is renewed.'),
      session_renewal: duration('1d', 'An access token older than this is renewed when it is used.'),
      token_lifespan: duration('2d', 'Life of an access token: a session not used for so long ends.'),
      renewal_delay: duration('1m', 'How long a token that was renewed is still good.'),
      max_sessions: integer(5, 1, 1000, 'Sessions of one user at once; the oldest ends.'),
      check_user_agent: Type.Boolean({
        default: false,
        description: 'A session is good only for the browser that opened it.',
      }),
      introspect_rate: rates(
        ['6000/1m'],
        'How often one address may introspect without client credentials, where that is allowed at all.',
      ),
      sso_allow_private: Type.Array(Type.String({ minLength: 1 }), {
        default: [],
        description:
          'Networks of the plant where identity providers may be, e.g. 10.0.0.0/8; otherwise only public addresses are asked.',
      }),
      technical_token_lifetime: duration('1h', 'Life of the token that an app gets for itself.'),
      audit_max_bytes: integer(
        67_108_864,
        1_048_576,
        17_179_869_184,
        'Bytes that the audit may take, about; then the oldest entries go, a thousand or an hour at a time.',
      ),
      kv_quota: integer(
        268_435_456,
        0,
        1_099_511_627_776,
        'Bytes that an app may keep as private tokens, with their names and 128 for each.',
      ),
      kv_max_value: integer(16_777_216, 1, 67_108_864, 'Bytes of the value of a private token, in UTF-8.'),
      login_attempts: integer(
        5,
        1,
        10_000,
        'Failed logins of one user from one address before it must wait; four times as many of one user from all addresses new to the user, ten times as many from one address.',
      ),
      login_window: duration('15m', 'Failures longer ago do not count.'),
      login_block: duration('15m', 'How long who failed too often must wait.'),
      login_block_max: optionalDuration(
        'Each block in a row is twice as long as the one before, up to this. All are alike unless set.',
      ),
      password_min_length: integer(8, 1, 128, 'Characters of a password.'),
      password_strong: Type.Boolean({
        default: false,
        description: 'A password must have capital and small letters, digits and symbols.',
      }),
      locked_options: Type.Array(
        Type.String({ pattern: '^[A-Za-z0-9._-]{1,128}/([A-Za-z0-9._-]{1,128}|\\*)$' }),
        {
          default: [],
          description: 'Options that nobody can change, as "category/key" or "category/*".',
        },
      ),
      password_validity: duration('0d', 'A password older than this must be changed at login; 0d: never.'),
    }),
    admin: section('Administration.', {
      listen: listen('127.0.0.1:8481', 'Admin listener.'),
      session_idle: duration('30m', 'A session of the administration ends after so long without a request.'),
      session_lifetime: duration('12h', 'Longest life of a session of the administration.'),
    }),
    certs: section('Device CA and the certificate of this box.', {
      names: Type.Array(Type.String({ minLength: 1 }), {
        default: [],
        description: 'Host names and addresses to certify besides those found.',
      }),
      server_cert: optionalText(
        'PEM file: a certificate of your own with its chain, shown instead of that of the device CA; read again when it changes.',
      ),
      server_key: optionalText('PEM file: key of server_cert.'),
      ca_key: optionalText(
        'Key of the device CA in a PKCS#11 token, as RFC 7512 writes it: "pkcs11:token=T;id=%01?module-path=/path/lib.so&pin-source=file:/path/pin". In pki/ca.key unless set.',
      ),
    }),
    proxy: section('How outgoing connections leave the plant.', {
      url: optionalText(
        'HTTP proxy for every connection to the hub, e.g. http://proxy.plant.example:3128; it must do CONNECT. None unless set.',
      ),
      credentials_file: optionalText('File that holds user:password for the proxy.'),
      no_proxy: Type.Array(Type.String({ minLength: 1 }), {
        default: [],
        description:
          'Reached without the proxy: hosts with all under them, addresses, networks such as 10.0.0.0/8. This machine always is.',
      }),
      ca_file: optionalText('PEM file of a further authority to trust, e.g. of a TLS-inspecting proxy.'),
      client_cert: optionalText('PEM file: certificate by which this box shows who it is in TLS.'),
      client_key: optionalText('PEM file: key of client_cert.'),
      connect_timeout: duration('10s', 'From the DNS to a connection that is ready.'),
      timeout: duration('30s', 'For a whole HTTP exchange.'),
    }),
    log: section('Log on stderr.', {
      level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        default: 'info',
        description: 'Least severe level that is written.',
      }),
    }),
    hub: section('The cloud side: edgeward hub.', {
      http: listen('127.0.0.1:8080', 'REST listener.'),
      mqtt: listen('127.0.0.1:1884', 'MQTT listener.'),
      public_url: optionalText('Base URL that agents use; the listening address unless set.'),
      public_mqtt: optionalText(
        'MQTT URL that agents use; made from public_url and the MQTT port unless set.',
      ),
      tls_cert: optionalText('PEM file: certificate and chain; both listeners then speak TLS only.'),
      tls_key: optionalText('PEM file: key of tls_cert.'),
      tls_ca: optionalText(
        'PEM file: authority handed to agents, where the public ones do not cover tls_cert.',
      ),
      iat_lifetime: duration('7d', 'Life of an initial access token.'),
      credential_lifetime: duration('7d', 'Life of a client secret or registered key.'),
      token_lifetime: duration('1h', 'Life of an access token.'),
      rat_policy: Type.Enum(['lenient', 'strict'], {
        default: 'lenient',
        description:
          'How an older credential ends after a rotation: "lenient" when a newer one has been used, "strict" at once, so that a lost answer is never repeated.',
      }),
      max_agents: integer(500, 1, 1_000_000, 'Agents of a tenant.'),
      max_upload_bytes: integer(
        10_485_760,
        1024,
        104_857_600,
        'Size of one request that uploads: an exchange, a file or a part of one.',
      ),
      max_file_bytes: integer(104_857_600, 1024, 1_073_741_824, 'Size of a file with all its parts.'),
      max_diagnostic_activations: integer(5, 1, 10_000, 'Agents of a tenant whose diagnosis is kept.'),
      max_event_mappings: integer(50, 1, 10_000, 'Event mappings of an agent.'),
      max_event_mappings_per_type: integer(5, 1, 10_000, 'Event mappings of an agent for one event type.'),
      list_agents_rate: rates(['15/30s', '100/3m'], 'How often a tenant may list its agents.'),
      delete_agents_rate: rates(['10/30s', '30/3m'], 'How often a tenant may delete agents.'),
      exchange_rate: rates([], 'How often an agent may upload by exchange.'),
      technical_token_lifetime: duration('30m', 'Life of a token that an app gets for the data of a tenant.'),
      technical_token_rate: rates(['60/1m'], 'How often a version of an app may ask for tokens and tenants.'),
      max_technical_tokens: integer(5, 1, 100, 'User tenants in one request for tokens.'),
      max_user_tenants: integer(500, 1, 10_000, 'Entries on a page of user tenants.'),
      app_secret_overlap: duration('1d', 'How long the secret of an app is good after it got a new one.'),
    }),
  },
  { additionalProperties: false },
)

export type Config = StaticDecode<typeof ConfigSchema>
