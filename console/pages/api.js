// @ts-check
/** @import {Problem, Session} from './answers.js' */

/** The box refused, or was not reached. */
export class Refused extends Error {
  /** @param {Problem} problem */
  constructor({ status, code, detail }) {
    super(detail ?? code)
    this.status = status
    this.code = code
    this.detail = detail
  }
}

/** @typedef {ReturnType<typeof createApi>} Api */

const patienceMs = 20_000

/**
 * The administration API. What opens it beside the cookie is kept here, in memory: whoever loads the page
 * anew signs in anew.
 * @param {{ onEnd: () => void }} listener told when the session is over
 */
export function createApi({ onEnd }) {
  /** @type {string | undefined} */
  let secret

  /**
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{ body?: object | undefined, revision?: number | undefined, isNew?: boolean, keepalive?: boolean }} [how]
   */
  async function send(method, path, { body, revision, isNew, keepalive } = {}) {
    const headers = {
      ...(secret && { 'x-edgeward-admin': secret }),
      ...(body && { 'content-type': 'application/json' }),
      ...(revision && { 'if-match': `"${revision}"` }),
      ...(isNew && { 'if-none-match': '*' }),
    }
    const answer = await fetch(`/api/v1${path}`, {
      ...{ method, headers, cache: 'no-store', signal: AbortSignal.timeout(patienceMs) },
      ...(body && { body: JSON.stringify(body) }),
      ...(keepalive && { keepalive }),
    }).catch(() => {
      throw new Refused({ status: 0, code: 'unreachable' })
    })
    const said = answer.status === 204 ? undefined : await answer.json().catch(() => undefined)
    if (answer.ok) return said
    const problem = new Refused({ code: 'internal', ...said, status: answer.status })
    if (problem.code === 'not_signed_in' && secret !== undefined) {
      secret = undefined
      onEnd()
    }
    throw problem
  }

  return {
    /**
     * @template T
     * @param {string} path
     * @returns {Promise<T>}
     */
    get: (path) => send('GET', path),
    send,
    get isOpen() {
      return secret !== undefined
    },
    /**
     * @param {{ username: string, password: string, totp?: string }} credentials
     * @returns {Promise<Session>}
     */
    async open(credentials) {
      const { secret: opened, ...session } = await send('POST', '/session', { body: credentials })
      secret = opened
      return session
    },
    /** Also while the page goes away. */
    async close() {
      if (secret === undefined) return
      const ending = send('DELETE', '/session', { keepalive: true })
      secret = undefined
      await ending
    },
  }
}

/** One part of a path. @param {string | number} text */
export const part = (text) => encodeURIComponent(text)
