import type { HttpResponse } from '../../../core/net/index.ts'
import { polling } from '../device.ts'
import { readDocument } from '../document.ts'
import { intervalMs } from '../interval.ts'
import { messageOf } from '../message.ts'
import { protocol, type SourceContext } from '../source.ts'
import { bad } from '../typed.ts'
import { notHeaders, qualityOf, refusedWith } from './faults.ts'
import { check, isOurs, Point, Source, type SourceSettings } from './settings.ts'

const maxBytes = 1024 * 1024
const maxRedirects = 3

/** Asks a server for a document on schedule. */
export const http = protocol({
  customData: { source: Source, point: Point },
  trial: 'beside',
  check,

  create({ custom, points }, context) {
    const { interval = '10s', timeout = '10s' } = custom
    let secret: Record<string, string> = {}
    return {
      run: polling(
        context,
        { intervalMs: intervalMs(interval), timeoutMs: intervalMs(timeout) },
        {
          async connect() {
            // Anew after each failure: a secret that was changed may be why.
            secret = await secretHeaders(custom, context)
          },
          async read(signal) {
            const { body } = await ask(custom, secret, context, signal)
            const received = context.stamp()
            const message = messageOf(body)
            return points.flatMap((point) => readDocument(message, point, received))
          },
          close: async () => {},
          unavailable: (error) =>
            points.map(({ id }) => ({
              point: id,
              ...bad(error.reason, qualityOf(error)),
              ...context.stamp(),
            })),
        },
      ),
    }
  },
})

async function secretHeaders(
  { credential }: SourceSettings,
  context: SourceContext,
): Promise<Record<string, string>> {
  if (credential === undefined) return {}
  const lines = (await context.credential(credential)).split(/\r?\n/)
  const pairs = lines.map((line) => /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\0\r\n]*)$/.exec(line))
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', value = ''] = pair ?? []
      if (name === '' || isOurs(name)) throw notHeaders(credential)
      return [name, value]
    }),
  )
}

/** Follows redirects on the same server only: nobody else is to see the secret. */
async function ask(
  { url, method = 'GET', body, headers, ca, clearText, timeout = '10s' }: SourceSettings,
  secret: Record<string, string>,
  { network }: SourceContext,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let target = new URL(url)
  for (let redirects = 0; ; redirects++) {
    const answer = await network.http({
      ...{ method, url: target.href, ca, clearText, signal, maxBytes },
      headers: { accept: 'application/json, text/plain;q=0.9, */*;q=0.1', ...headers, ...secret },
      ...(body === undefined ? {} : { body }),
      timeoutMs: intervalMs(timeout),
    })
    if (answer.status >= 200 && answer.status < 300) return answer
    const next = method === 'GET' && redirects < maxRedirects ? redirectOf(answer, target) : undefined
    if (!next) throw refusedWith(answer.status, target)
    target = next
  }
}

function redirectOf({ status, headers }: HttpResponse, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined) return undefined
  const to = URL.parse(headers.location, from.href)
  return to && to.origin === from.origin && to.username === '' ? to : undefined
}
