import Type, { type Static } from 'typebox'
import { Invalid } from '../../../core/errors.ts'
import { refusePlaintext } from '../../../core/net/index.ts'
import { Interval, intervalMs } from '../interval.ts'
import { checkPoints, type MqttPoint, Payload } from '../mqtt/settings.ts'
import { isFilter } from '../mqtt/topics.ts'
import { credentialName } from '../places.ts'
import type { Refuse } from '../source.ts'

export const Source = Type.Object(
  {
    /** "mqtts://broker.plant:8883", "wss://broker.plant/mqtt"; mqtt: and ws: for this machine only, unless `clearText` says otherwise. */
    url: Type.String({ minLength: 1, maxLength: 1024 }),
    /** mqtt: and ws: over the network too. Whoever is on it can read and alter what passes, the credential included. */
    clearText: Type.Optional(Type.Boolean()),
    /** As the broker is to know the box; one of its own at each connection unless told. */
    clientId: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /** A file below /etc/edgeward/credentials that holds "user:password". */
    credential: Type.Optional(Type.String({ pattern: credentialName })),
    /** PEM of an authority that is trusted for this broker, besides the usual ones. */
    ca: Type.Optional(Type.String({ maxLength: 65_536 })),
    /** 1 unless told. */
    qos: Type.Optional(Type.Enum([0, 1])),
    /** The broker keeps messages of QoS 1 while the box is away; true unless told where there is a clientId. */
    persistent: Type.Optional(Type.Boolean()),
    keepalive: Type.Optional(Interval),
    /** Takes retained messages, too: they are Uncertain unless they say their time. */
    retained: Type.Optional(Type.Boolean()),
    payload: Type.Optional(Payload),
    /** Sparkplug: whether a node may be asked for its BIRTH (NCMD "Node Control/Rebirth"). */
    rebirth: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type SourceSettings = Static<typeof Source>

export function check(
  { custom, points }: { custom: SourceSettings; points: readonly MqttPoint[] },
  refuse: Refuse,
): void {
  const { url, ca, persistent, clientId, keepalive, payload = 'json' } = custom
  checkUrl(url, custom.clearText, (message) => refuse(undefined, 'url', message))
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    refuse(undefined, 'ca', 'holds no certificate (PEM)')
  if (persistent && clientId === undefined)
    refuse(undefined, 'persistent', 'needs a clientId, by which the broker knows the box again')
  if (keepalive !== undefined && (intervalMs(keepalive) < 5_000 || intervalMs(keepalive) > 3_600_000))
    refuse(undefined, 'keepalive', `"${keepalive}" is not between 5s and 1h`)
  for (const key of ['retained', 'rebirth'] as const)
    if (custom[key] !== undefined && (key === 'rebirth') !== (payload === 'sparkplug'))
      refuse(undefined, key, key === 'rebirth' ? 'needs "payload":"sparkplug"' : 'is not for sparkplug')
  const aFilter = (topic: string) => (isFilter(topic) ? undefined : 'is no topic and no filter of MQTT')
  checkPoints(points, payload, aFilter, refuse)
}

function checkUrl(text: string, clearText: boolean | undefined, refuse: (message: string) => void): void {
  const url = URL.parse(text)
  if (!url || !/^(mqtts?|wss?):$/.test(url.protocol) || url.hostname === '') {
    refuse(`${JSON.stringify(text)} is not mqtts://host or wss://host/path`)
    return
  }
  if (url.username !== '' || url.password !== '')
    refuse('must not hold a user or password; put them into a file and name it in credential')
  try {
    if (!clearText) refusePlaintext(url)
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    refuse(`${error.message}. Use mqtts or wss, or say "clearText":true for a broker that has nothing else.`)
  }
}
