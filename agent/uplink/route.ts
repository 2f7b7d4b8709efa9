import { refusePlaintext } from '../../core/net/index.ts'
import type { Membership } from '../identity.ts'

/** Where to deliver to and how, or why we cannot. */
export type Route =
  | { kind: 'mqtt'; target: string; format: 'columnar' | 'insights' }
  | { kind: 'mindconnect'; target: string; format: 'insights'; configurationId: string }
  | { reason: string }

/** MQTT where the membership has an address for it, else Insights Hub's exchange. */
export function routeOf(
  { mqtt, baseUrl }: Membership,
  { format, trustPuback }: { format: 'columnar' | 'insights'; trustPuback: boolean },
  configurationId: string | undefined,
): Route {
  try {
    refusePlaintext(new URL(mqtt ?? baseUrl))
  } catch (error) {
    return { reason: (error as Error).message }
  }
  if (mqtt === undefined) {
    if (configurationId === undefined) return { reason: noConfiguration }
    return { kind: 'mindconnect', target: baseUrl, format: 'insights', configurationId }
  }
  if (format === 'insights' && !trustPuback) return { reason: noAnswer }
  return { kind: 'mqtt', target: mqtt, format }
}

const noConfiguration =
  'the hub has not given this box a data source configuration, and an upload over HTTP must name one'
const noAnswer =
  'uplink.format is "insights": over MQTT nothing but a PUBACK answers that, and uplink.trust_puback is not set'
