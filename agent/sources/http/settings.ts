import Type, { type Static } from 'typebox'
import { Invalid } from '../../../core/errors.ts'
import { refusePlaintext } from '../../../core/net/index.ts'
import { checkPlace, placeInDocument } from '../document.ts'
import { Interval, intervalMs } from '../interval.ts'
import { credentialName } from '../places.ts'
import type { Configured, Limits, Refuse } from '../source.ts'

const HeaderName = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"

export const Source = Type.Object(
  {
    /** "https://meter.plant/api/values"; http: for this machine only, unless `clearText` says otherwise. */
    url: Type.String({ minLength: 1, maxLength: 2048 }),
    /** http: over the network too. Whoever is on it can read and alter what passes, the credential included. */
    clearText: Type.Optional(Type.Boolean()),
    /** GET unless told. */
    method: Type.Optional(Type.Enum(['GET', 'POST'])),
    /** What POST sends. */
    body: Type.Optional(Type.String({ maxLength: 65_536 })),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: HeaderName }),
        Type.String({ maxLength: 4096, pattern: '^[^\\r\\n\\0]*$' }),
      ),
    ),
    /** A file below /etc/edgeward/credentials with a header a line: "Authorization: Bearer …". */
    credential: Type.Optional(Type.String({ pattern: credentialName })),
    /** PEM of an authority that is trusted for this server, besides the usual ones. */
    ca: Type.Optional(Type.String({ maxLength: 65_536 })),
    /** 10 s unless told. */
    interval: Type.Optional(Interval),
    /** For the whole exchange; 10 s unless told. */
    timeout: Type.Optional(Interval),
  },
  { additionalProperties: false },
)
export type SourceSettings = Static<typeof Source>

export const Point = Type.Object(placeInDocument, { additionalProperties: false })

export function check(
  { custom, points }: Configured<typeof Source, typeof Point>,
  refuse: Refuse,
  { minIntervalMs }: Limits,
): void {
  const { url, method = 'GET', body, interval, timeout, headers = {}, ca } = custom
  checkUrl(url, custom.clearText, (message) => refuse(undefined, 'url', message))
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    refuse(undefined, 'ca', 'holds no certificate (PEM)')
  if (body !== undefined && method === 'GET') refuse(undefined, 'body', 'needs "method":"POST"')
  if (interval !== undefined && intervalMs(interval) < minIntervalMs)
    refuse(undefined, 'interval', `"${interval}" is shorter than sources.min_interval, ${minIntervalMs} ms`)
  if (timeout !== undefined && (intervalMs(timeout) < 10 || intervalMs(timeout) > 300_000))
    refuse(undefined, 'timeout', `"${timeout}" is not between 10ms and 5m`)
  for (const name of Object.keys(headers)) {
    if (isOurs(name)) refuse(undefined, `headers.${name}`, 'is not to be set')
    if (/^(authorization|cookie|proxy-authorization)$/i.test(name))
      refuse(undefined, `headers.${name}`, 'is a secret: put it into a file and name that in credential')
  }
  for (const [index, point] of points.entries()) checkPlace(index, point.custom, refuse)
}

/** What says where the request goes and how long it is. */
export const isOurs = (header: string): boolean =>
  /^(host|connection|content-length|transfer-encoding|accept-encoding|upgrade|te|trailer|expect)$/i.test(
    header,
  )

function checkUrl(text: string, clearText: boolean | undefined, refuse: (message: string) => void): void {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    refuse(`${JSON.stringify(text)} is not https://host/path`)
    return
  }
  if (url.username !== '' || url.password !== '')
    refuse(
      'must not hold a user or password; put "Authorization: Basic …" into a file and name it in credential',
    )
  try {
    if (!clearText) refusePlaintext(url)
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    refuse(`${error.message}. Use https, or say "clearText":true for a device that has nothing else.`)
  }
}
