import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import { createMemberReader, type MemberPart } from '../kv/members.ts'
import type { ValueUpload } from '../kv/writing.ts'

export interface BodyDeps {
  clock: Clock
  /** Requests on these may take longer to arrive than others. */
  patientWith: WeakSet<Socket>
}

/** What stands beside the value, which has gone into the upload. */
export interface TokenMembers {
  relatedId?: string
  key?: string
}

/** In JSON a byte of a value takes six at most. */
const jsonPerByte = 6
const besideValueBytes = 65_536
/** How long nothing may come, and how long all may take. */
const idleMs = 30_000
const longestMs = 900_000
const lookEveryMs = 1_000
/** A client that is still sending would not see an answer: so much more is read, and thrown away. */
const drainedBytes = 32 * 1024 * 1024

class UploadEnded extends EdgeError {
  override readonly name = 'UploadEnded'
  readonly code = 'upload_ended'
  override readonly statusCode = 400
}

class UploadTooSlow extends EdgeError {
  override readonly name = 'UploadTooSlow'
  readonly code = 'request_timeout'
  override readonly statusCode = 408
}

class BodyTooLarge extends EdgeError {
  override readonly name = 'BodyTooLarge'
  readonly code = 'body_too_large'
  override readonly statusCode = 413
}

/** Reads a token as JSON, the members in any order; the value goes on as it comes. */
export async function readTokenBody(
  request: FastifyRequest,
  reply: FastifyReply,
  upload: ValueUpload,
  { clock, patientWith }: BodyDeps,
  { maxValueBytes }: { maxValueBytes: number },
): Promise<TokenMembers> {
  const { body } = request
  if (!(body instanceof Readable)) throw new Invalid('the body is empty')
  const { socket } = request.raw
  patientWith.add(socket)
  const watched = watch(body, clock)
  try {
    return await readMembers(watched.parts, upload, jsonPerByte * maxValueBytes + besideValueBytes)
  } catch (error) {
    if (!(await drained(watched.parts))) reply.header('connection', 'close')
    throw error
  } finally {
    watched.stop()
    patientWith.delete(socket)
  }
}

async function readMembers(
  parts: AsyncIterator<Uint8Array>,
  upload: ValueUpload,
  maxBytes: number,
): Promise<TokenMembers> {
  const reader = createMemberReader()
  const members = new Map<string, string>()
  let bytes = 0
  const take = async ({ name, text }: MemberPart): Promise<void> => {
    if (!known.includes(name)) throw new Invalid(`the body has an unknown member ${JSON.stringify(name)}`)
    const isValue = name === 'value'
    if (isValue) await upload.write(text)
    const soFar = isValue ? '' : (members.get(name) ?? '') + text
    if (soFar.length > besideValueBytes) throw new BodyTooLarge(`${name} is too long`)
    members.set(name, soFar)
  }
  for (;;) {
    const { value, done } = await parts.next()
    if (done) break
    bytes += value.length
    if (bytes > maxBytes) throw new BodyTooLarge(`the body has more than ${maxBytes} bytes`)
    for (const part of reader.push(value)) await take(part)
  }
  for (const part of reader.end()) await take(part)
  if (!members.has('value')) throw new Invalid('value is missing')
  const [relatedId, key] = [members.get('relatedId'), members.get('key')]
  return { ...(relatedId === undefined ? {} : { relatedId }), ...(key === undefined ? {} : { key }) }
}

/** The times are ours to set: a token that was read can be sent back as it is. */
const known = ['relatedId', 'key', 'value', 'created', 'updated']

/** The parts of a body, none of which may be long in coming. */
function watch(body: Readable, clock: Clock) {
  const startedAt = clock.monotonic()
  const stopped = new AbortController()
  let late: UploadTooSlow | undefined
  let waitingSince: number | undefined
  let giveUp: (reason: unknown) => void = () => {}

  const look = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(lookEveryMs, stopped.signal)
      const now = clock.monotonic()
      const isIdle = waitingSince !== undefined && now - waitingSince > idleMs
      if (!isIdle && now - startedAt <= longestMs) continue
      late = new UploadTooSlow('the body did not arrive in time')
      return giveUp(late)
    }
  }
  look().catch(() => {}) // stopped
  const source = body.iterator({ destroyOnReturn: false })
  const parts: AsyncIterator<Uint8Array> = {
    async next() {
      waitingSince = clock.monotonic()
      // A promise for each part: one that is raced against all of them would hold them all.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>()
      giveUp = reject
      if (late) reject(late)
      else source.next().then(resolve, reject)
      try {
        return await promise
      } catch (cause) {
        throw cause instanceof EdgeError ? cause : new UploadEnded('the body ended too early', { cause })
      } finally {
        waitingSince = undefined
      }
    },
  }
  return { parts, stop: () => stopped.abort() }
}

/** True when the body has come to its end. */
async function drained(parts: AsyncIterator<Uint8Array>): Promise<boolean> {
  let bytes = 0
  try {
    for (;;) {
      const { value, done } = await parts.next()
      if (done) return true
      bytes += value.length
      if (bytes > drainedBytes) return false
    }
  } catch {
    return false
  }
}
