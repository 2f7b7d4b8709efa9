import { type Config, loadConfig } from '../../config.ts'
import type { Clock } from '../../core/clock.ts'
import { writeFileAtomic } from '../../core/files.ts'
import type { Redacted } from '../../core/redaction.ts'
import { release } from '../../core/release.ts'
import type { LogPlace } from '../logs/index.ts'
import { type PlaceOptions, resolveConfigFile } from '../places.ts'
import { type AskedConfig, askedParts } from './asked.ts'
import { boxParts } from './box.ts'
import { knownSecrets } from './known-secrets.ts'
import { logPart } from './log.ts'
import { asJson, type Part } from './part.ts'
import { createRedactor } from './redact.ts'
import { stateParts } from './state.ts'
import { type BundledFile, tarGz } from './tar.ts'

/** What became of a part. */
export interface PartReport {
  path: string
  about: string
  bytes: number
  /** How often something that is a secret, or looks like one, was cut. */
  cuts: number
  tookMs: number
  /** Why it is not there. */
  failed?: string
}

export interface SupportBundle {
  path: string
  bytes: number
  parts: PartReport[]
}

export interface SupportBundleDeps {
  clock: Clock
  /** Told of each part when it is done. */
  progress(part: PartReport): void
}

export interface SupportBundleConfig {
  log: LogPlace
  given: PlaceOptions
  out: string
  sinceAt: number
  env: Readonly<Record<string, string | undefined>>
}

/** For one part; a healthy box needs a second for the slowest. */
const limitMs = 20_000

/** Looks at the box from outside, whatever state it is in, and writes one archive that holds no secret. */
export async function makeSupportBundle(
  { clock, progress }: SupportBundleDeps,
  { log, given, out, sinceAt, env }: SupportBundleConfig,
): Promise<SupportBundle> {
  const { places } = log
  const config = configOf(given, env)
  const redact = createRedactor(await knownSecrets(places, config))
  const all = [
    ...boxParts(places),
    ...stateParts(places),
    logPart(log, sinceAt),
    ...askedParts({ places, options: optionsOf(given), config, sinceAt }),
  ]
  const startedAt = clock.now()
  const name = `edgeward-support-${stamp(startedAt)}`
  const entries: BundledFile[] = []
  const parts: PartReport[] = []
  const add = (path: string, text: string) =>
    entries.push({ path: `${name}/${path}`, content: Buffer.from(text) })
  for (const part of all) {
    const { report, text } = await collected(part, redact, clock)
    if (text !== undefined) add(part.path, text)
    parts.push(report)
    progress(report)
  }
  add('manifest.json', asJson({ release, startedAt: new Date(startedAt).toISOString(), parts }))
  const archive = await tarGz(entries, startedAt)
  await writeFileAtomic(out, archive)
  return { path: out, bytes: archive.length, parts }
}

async function collected(
  { path, about, collect }: Part,
  redact: (text: string) => Redacted,
  clock: Clock,
): Promise<{ report: PartReport; text?: string }> {
  const began = clock.monotonic()
  const took = () => Math.round(clock.monotonic() - began)
  const over = new AbortController()
  try {
    const text = await Promise.race([collect(over.signal), expired(clock, over)])
    const redacted = redact(text)
    const bytes = Buffer.byteLength(redacted.text)
    return { text: redacted.text, report: { path, about, bytes, cuts: redacted.cuts, tookMs: took() } }
  } catch (error) {
    const failed = redact(error instanceof Error ? error.message : String(error))
    return { report: { path, about, bytes: 0, cuts: failed.cuts, tookMs: took(), failed: failed.text } }
  } finally {
    over.abort()
  }
}

/** A part may hang in the kernel, where no signal reaches it: nobody waits for it then. */
async function expired(clock: Clock, over: AbortController): Promise<never> {
  await clock.sleep(limitMs, over.signal).catch(() => {})
  const error = new Error(`not done within ${limitMs / 1000} s`)
  over.abort(error)
  throw error
}

function configOf(given: PlaceOptions, env: SupportBundleConfig['env']): Config | undefined {
  try {
    return loadConfig({ file: resolveConfigFile(given, env, process.getuid?.() === 0), env })
  } catch {
    return undefined // the doctor says what is wrong with it
  }
}

const optionsOf = ({ config, stateDir }: PlaceOptions): AskedConfig['options'] => [
  ...(config === undefined ? [] : ['--config', config]),
  ...(stateDir === undefined ? [] : ['--state-dir', stateDir]),
]

/** 20261122T060000Z: in the name of a file. */
export const stamp = (at: number): string => new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
