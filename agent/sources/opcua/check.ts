import { intervalMs } from '../interval.ts'
import type { Configured, Limits, Refuse } from '../source.ts'
import { isEndpoint, isNodeId, type Point, type Source, type SourceSettings, securityOf } from './settings.ts'

/** Says what the schemas cannot. */
export function check(
  { custom, points }: Configured<typeof Source, typeof Point>,
  refuse: Refuse,
  { minIntervalMs }: Limits,
): void {
  if (!isEndpoint(custom.endpoint))
    refuse(undefined, 'endpoint', 'must be such as opc.tcp://10.0.0.5:4840, without a user')
  checkSecurity(custom, (key, message) => refuse(undefined, key, message))
  const tooShort = (text: string | undefined) => text !== undefined && intervalMs(text) < minIntervalMs
  const atLeast = `is shorter than the shortest allowed interval of ${minIntervalMs} ms`
  for (const key of ['interval', 'publishingInterval'] as const)
    if (tooShort(custom[key])) refuse(undefined, key, atLeast)
  if (custom.timeout !== undefined && intervalMs(custom.timeout) === 0)
    refuse(undefined, 'timeout', 'must be at least 1 ms')
  if (custom.mode === 'poll' && custom.publishingInterval !== undefined)
    refuse(undefined, 'publishingInterval', 'is for the mode subscribe')
  for (const [at, { custom: point }] of points.entries()) {
    if (!isNodeId(point.nodeId))
      refuse(
        at,
        'nodeId',
        'must be such as ns=2;s=Press.Force, ns=2;i=1001 or nsu=http://plant;s=Press.Force',
      )
    if (tooShort(point.samplingInterval)) refuse(at, 'samplingInterval', atLeast)
    for (const key of ['samplingInterval', 'queueSize'] as const)
      if (custom.mode === 'poll' && point[key] !== undefined) refuse(at, key, 'is for the mode subscribe')
  }
}

function checkSecurity(custom: SourceSettings, refuse: (key: string, message: string) => void): void {
  const { user, credential, userCertificate, userKey, allowUnprotected } = custom
  const { securityPolicy, securityMode } = securityOf(custom)
  if ((securityPolicy === 'None') !== (securityMode === 'None'))
    refuse('securityMode', `${securityMode} does not go with the policy ${securityPolicy}`)
  if ((user === undefined) !== (credential === undefined))
    refuse('credential', 'user and credential go together')
  if ((userCertificate === undefined) !== (userKey === undefined))
    refuse('userKey', 'userCertificate and userKey go together')
  if (user !== undefined && userCertificate !== undefined)
    refuse('user', 'is either known by a password or by a certificate')
  if (user !== undefined && securityPolicy === 'None' && allowUnprotected !== true)
    refuse(
      'securityPolicy',
      'a password needs one: with None nothing proves who the server is; "allowUnprotected": true accepts that',
    )
}
