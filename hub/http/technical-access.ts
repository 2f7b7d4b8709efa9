import type { Permission } from '../technical-tokens/index.ts'

const management = '/api/agentmanagement/v3/agents'
const mindConnect = '/api/mindconnect/v3'
const ours = '/api/hub/v1/agents/:id'
const assets = '/api/assetmanagement/v3/assets'
const events = '/api/eventmanagement/v3/events'
const files = '/api/iotfile/v3/files/:entityId/*'

/** What a technical token needs at each route. Where nothing stands here, it gets in nowhere. */
const needed: Readonly<Record<string, Permission>> = {
  [`GET ${management}`]: 'agents:read',
  [`POST ${management}`]: 'agents:write',
  [`GET ${management}/:id`]: 'agents:read',
  [`PUT ${management}/:id`]: 'agents:write',
  [`DELETE ${management}/:id`]: 'agents:write',
  [`GET ${management}/:id/status`]: 'agents:read',
  [`GET ${management}/:id/boarding/configuration`]: 'agents:write', // it makes whoever has it the agent
  [`GET ${management}/:id/boarding/status`]: 'agents:read',
  [`POST ${management}/:id/boarding/offboard`]: 'agents:write',
  [`GET ${management}/:id/dataSourceConfiguration`]: 'agents:read',
  [`PUT ${management}/:id/dataSourceConfiguration`]: 'agents:write',

  ...readWritten(`${mindConnect}/dataPointMappings`, ['DELETE']),
  ...readWritten(`${mindConnect}/eventMappings`, ['PATCH', 'DELETE']),
  ...readWritten(`${mindConnect}/diagnosticActivations`, ['PUT', 'DELETE']),
  [`GET ${mindConnect}/diagnosticActivations/:id/messages`]: 'agents:read',
  [`GET ${mindConnect}/diagnosticInformation`]: 'agents:read',

  [`POST ${mindConnect}/ingest`]: 'timeseries:write',
  [`GET ${mindConnect}/recoverableRecords`]: 'timeseries:read',
  [`POST ${mindConnect}/recoverableRecords/:id/replay`]: 'timeseries:write',
  [`GET ${mindConnect}/recoverableRecords/:id/downloadLink`]: 'timeseries:read',
  [`GET ${mindConnect}/recoverableRecords/:id/content`]: 'timeseries:read',
  [`DELETE ${mindConnect}/recoverableRecords/:id`]: 'timeseries:write',
  [`GET ${ours}/readings`]: 'timeseries:read',
  [`GET ${ours}/gaps`]: 'timeseries:read',
  [`GET ${ours}/status`]: 'agents:read',
  [`GET ${ours}/alarms`]: 'agents:read',
  [`GET ${ours}/events`]: 'agents:read',
  [`POST ${ours}/commands`]: 'agents:write',
  [`GET ${ours}/commands`]: 'agents:read',
  [`GET ${ours}/commands/:command`]: 'agents:read',
  [`DELETE ${ours}/commands/:command`]: 'agents:write',
  [`GET ${ours}/items`]: 'files:read',

  [`POST ${events}`]: 'events:write',
  [`GET ${events}`]: 'events:read',
  [`PUT ${files}`]: 'files:write',
  [`GET ${files}`]: 'files:read',
  [`POST ${assets}`]: 'assets:write',
  [`GET ${assets}`]: 'assets:read',
  [`GET ${assets}/root`]: 'assets:read',
  [`GET ${assets}/:id`]: 'assets:read',
}

/** Settings of agents: listed, made and looked at alike, and changed by the methods. */
function readWritten(root: string, methods: readonly string[]): Record<string, Permission> {
  return {
    [`GET ${root}`]: 'agents:read',
    [`POST ${root}`]: 'agents:write',
    [`GET ${root}/:id`]: 'agents:read',
    ...Object.fromEntries(methods.map((method) => [`${method} ${root}/:id`, 'agents:write' as const])),
  }
}

export function permissionFor(method: string, url: string | undefined): Permission | undefined {
  const asked = method === 'HEAD' ? 'GET' : method
  return needed[`${asked} ${url}`]
}

/** The routes of the table, each as `METHOD path`. */
export const technicalRoutes: readonly string[] = Object.keys(needed)
