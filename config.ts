import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { closest, distance } from 'fastest-levenshtein'
import { parse as parseToml, TomlError } from 'smol-toml'
import type { TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import Value from 'typebox/value'
import { type Config, ConfigSchema, units } from './config-schema.ts'
import { Invalid } from './core/errors.ts'
import type { NetworkConfig } from './core/net/index.ts'
import { describe } from './core/schema.ts'

export { type Config, ConfigSchema } from './config-schema.ts'

export interface ConfigSources {
  /** TOML file; must exist when named by the user. */
  file?: { path: string; required: boolean }
  env: Readonly<Record<string, string | undefined>>
}

/** Reads, checks and freezes the configuration. Throws `Invalid` with every fault and where it stands. */
export function loadConfig({ file, env }: ConfigSources): Config {
  const text = file && readText(file.path, file.required)
  const written = file && text !== undefined ? parseFile(text, file.path) : {}
  const origin = new Map<string, string>()
  const faults: string[] = []

  const merged = merge(written, env, origin, faults)
  Value.Default(ConfigSchema, merged)
  const where = (path: string) =>
    origin.get(path) ?? (text === undefined ? path : `${file?.path}:${lineOf(text, path)}`)
  for (const error of compiled.Check(merged) ? [] : compiled.Errors(merged)) {
    if (error.message === 'schema is false') continue
    if (error.keyword === 'additionalProperties') {
      const unknown = (error.params as { additionalProperties: string[] }).additionalProperties
      for (const key of unknown) {
        const path = `${error.instancePath}/${key}`
        faults.push(
          `${where(path)}: unknown key ${dotted(path)}${nearest(key, keysAt(error.instancePath), dotted(error.instancePath))}`,
        )
      }
    } else {
      const why =
        error.keyword === 'pattern' ? `does not fit: ${descriptionAt(error.instancePath)}` : describe(error)
      faults.push(`${where(error.instancePath)}: ${dotted(error.instancePath)} ${why}`)
    }
  }
  if (faults.length > 0) throw new ConfigInvalid(faults)
  const config = Value.Decode(ConfigSchema, merged)
  const contradictions = sessionContradictions(config.auth).map(
    ({ key, said }) => `${where(`/auth/${key}`)}: auth.${key} ${said}`,
  )
  if (contradictions.length > 0) throw new ConfigInvalid(contradictions)
  return freeze(config)
}

/** A token must be renewed before it ends, and end before its session does. */
function sessionContradictions(auth: Config['auth']): { key: keyof Config['auth']; said: string }[] {
  if (auth.session_preset !== 'custom') return []
  const order = ['session_renewal', 'token_lifespan', 'session_absolute'] as const
  return order.slice(0, -1).flatMap((key, at) => {
    const longer = order[at + 1] as (typeof order)[number]
    const said = `(${auth[key] / 1000} s) must be shorter than auth.${longer} (${auth[longer] / 1000} s)`
    return auth[key] < auth[longer] ? [] : [{ key, said }]
  })
}

export class ConfigInvalid extends Invalid {
  override readonly code = 'config_invalid'

  constructor(faults: string[]) {
    super(faults.join('\n'), {
      details: faults,
      cure: '"edgeward config example" prints every key with its meaning.',
    })
  }
}

const compiled = Compile(ConfigSchema)

function readText(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigInvalid([`${path}: cannot be read: ${(cause as Error).message}`])
  }
}

function parseFile(text: string, path: string): Record<string, unknown> {
  try {
    return parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new ConfigInvalid([`${path}:${error.line}: ${error.message.split('\n')[0]}`])
  }
}

/** EDGEWARD_SECTION_KEY over the file; values are read as the schema says. */
function merge(
  written: Record<string, unknown>,
  env: ConfigSources['env'],
  origin: Map<string, string>,
  faults: string[],
): Record<string, unknown> {
  const merged = structuredClone(written)
  const known = new Map(
    Object.entries(ConfigSchema.properties).flatMap(([name, { properties }]) =>
      Object.entries(properties as Record<string, TSchema>).map(([key, schema]) => [
        `EDGEWARD_${name}_${key}`.toUpperCase(),
        { name, key, schema },
      ]),
    ),
  )
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('EDGEWARD_') || value === undefined) continue
    const entry = known.get(variable)
    if (!entry) {
      faults.push(`unknown variable ${variable}${nearest(variable, [...known.keys()])}`)
      continue
    }
    merged[entry.name] ??= {}
    const target = merged[entry.name]
    if (typeof target !== 'object' || target === null) continue // said by the schema check
    ;(target as Record<string, unknown>)[entry.key] = fromText(value, entry.schema)
    origin.set(`/${entry.name}/${entry.key}`, variable)
  }
  return merged
}

function fromText(value: string, schema: TSchema): unknown {
  const { type } = schema as { type?: string }
  if (type === 'integer') return /^-?\d+$/.test(value) ? Number(value) : value
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value
  if (type === 'array') return value === '' ? [] : value.split(',').map((item) => item.trim())
  return value
}

function schemaAt(pointer: string): TSchema | undefined {
  let schema: TSchema | undefined = ConfigSchema
  for (const key of pointer.split('/').slice(1)) schema = (schema as TObject | undefined)?.properties?.[key]
  return schema
}

const keysAt = (pointer: string): string[] =>
  Object.keys((schemaAt(pointer) as TObject | undefined)?.properties ?? {})

const descriptionAt = (pointer: string): string =>
  (schemaAt(pointer) as { description?: string } | undefined)?.description ?? 'its form'

/** A guess helps only when it is near; otherwise the valid keys are listed. */
function nearest(key: string, valid: readonly string[], prefix = ''): string {
  if (valid.length === 0) return ''
  const guess = closest(key, [...valid])
  const said = prefix === '' ? guess : `${prefix}.${guess}`
  return distance(key, guess) <= Math.max(2, key.length / 2)
    ? `; did you mean ${said}?`
    : `; nearest is ${said}, valid are ${valid.join(', ')}`
}

const dotted = (pointer: string): string => pointer.slice(1).replaceAll('/', '.')

/** The line on which a key or its table stands; 1 when it cannot be told. */
function lineOf(text: string, pointer: string): number {
  const [table, key] = pointer.slice(1).split('/') as [string, string?]
  let current = ''
  let tableLine = 1
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[+\s*([^\]]+?)\s*\]+/.exec(line)
    if (header) current = (header[1] as string).replaceAll(/["'\s]/g, '')
    if (header && current === table) tableLine = index + 1
    const name = /^\s*([\w."'-]+)\s*=/.exec(line)?.[1]?.replaceAll(/["']/g, '')
    if (name === undefined) continue
    const full = current === '' ? name : `${current}.${name}`
    if (full === `${table}.${key}` || full === table) return index + 1
  }
  return tableLine
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}

/** A file that holds every key, commented out, with its meaning and default. */
export function exampleConfig(): string {
  const sections = Object.entries(ConfigSchema.properties).map(([name, sectionSchema]) => {
    const { properties, description } = sectionSchema as TObject & { description?: string }
    const keys = Object.entries(properties as Record<string, TSchema>).map(([key, schema]) => {
      const { description: meaning, default: value } = schema as { description?: string; default?: unknown }
      return `# ${meaning}\n#${key} = ${value === undefined ? '""' : JSON.stringify(value)}\n`
    })
    return `# ${description}\n[${name}]\n\n${keys.join('\n')}`
  })
  return sections.join('\n')
}

/** Shown where no name is configured. */
export const deviceName = (config: Config): string => config.device.name ?? hostname()

/** The slice for every outgoing connection, of the daemon and of who looks for what is in its way. */
export function networkConfig({ proxy }: Config): NetworkConfig {
  return {
    noProxy: proxy.no_proxy,
    connectTimeoutMs: proxy.connect_timeout,
    timeoutMs: proxy.timeout,
    ...given('proxyUrl', proxy.url),
    ...given('credentialsFile', proxy.credentials_file),
    ...given('caFile', proxy.ca_file),
    ...given('clientCertFile', proxy.client_cert),
    ...given('clientKeyFile', proxy.client_key),
  }
}

/** How long sessions live, by the keys or by the preset that takes their place. */
export function sessionPolicy(auth: Config['auth']) {
  const presets = {
    custom: {
      absoluteMs: auth.session_absolute,
      renewalMs: auth.session_renewal,
      lifespanMs: auth.token_lifespan,
    },
    recommended: { absoluteMs: 28_800_000, renewalMs: 2_700_000, lifespanMs: 5_400_000 },
    fixed: { absoluteMs: 14 * units.d, renewalMs: undefined, lifespanMs: 14 * units.d },
  }
  return {
    ...presets[auth.session_preset],
    renewalDelayMs: auth.renewal_delay,
    maxPerUser: auth.max_sessions,
    checkUserAgent: auth.check_user_agent,
  }
}

/** An optional key, present only when it has a value. */
export const given = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
