// An edge app: greets whoever is signed in, and lets Admins alone into its settings.
// It needs no package, and nothing of edgeward but the introspection endpoint.

import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'

const { env } = process
const introspectUrl = env.INTROSPECT_URL ?? 'http://127.0.0.1:8480/device/edge/auth/oauth2/introspect'
// What `edgeward app add … --json` printed.
const { client_id, client_secret } = JSON.parse(readFileSync(env.CREDENTIALS ?? 'credentials.json', 'utf8'))

const server = createServer(async (incoming, answer) => {
  const say = (status, text) =>
    answer.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
  try {
    const token = cookie(incoming, 'access_token')
    const session = token === undefined ? { active: false } : await introspect(token)
    if (!session.active) return say(401, 'Please sign in.\n')

    const { roles } = session.ext
    const { pathname } = new URL(incoming.url, 'http://app')
    if (pathname.endsWith('/settings') && !roles.includes('Admin')) return say(403, 'For Admins only.\n')
    say(200, `Hello ${session.sub}, you are ${roles.join(', ')}. This is ${incoming.url}\n`)
  } catch (error) {
    process.stderr.write(`${error.stack}\n`)
    say(503, 'It cannot be checked who you are; try again soon.\n') // never let in on an error
  }
})

/** Asks the box whether the token is good now: signed in, not signed out, not expired, not disabled. */
function introspect(token) {
  const { promise, resolve, reject } = Promise.withResolvers()
  const asking = request(introspectUrl, {
    method: 'POST',
    auth: `${client_id}:${client_secret}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    signal: AbortSignal.timeout(5_000),
  })
  asking.on('error', reject)
  asking.on('response', async (reply) => {
    try {
      const text = Buffer.concat(await reply.toArray()).toString()
      if (reply.statusCode === 200) resolve(JSON.parse(text))
      else reject(new Error(`introspection answered ${reply.statusCode} ${text}`))
    } catch (error) {
      reject(error)
    }
  })
  asking.end(new URLSearchParams({ token }).toString())
  return promise
}

function cookie({ headers }, name) {
  for (const pair of (headers.cookie ?? '').split('; '))
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1)
}

server.listen(Number(env.PORT ?? 9000), '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`),
)
