import type { HttpServer } from '../../core/http-server.ts'
import { BoardingConfiguration } from '../../protocol/boarding.ts'
import type { Agents } from '../agents.ts'
import { AgentPath } from './agents.ts'
import type { Guard } from './guard.ts'

export function boardingRoutes(
  server: HttpServer,
  { guard, agents }: { guard: Guard; agents: Agents },
): void {
  const root = '/api/agentmanagement/v3/agents/:id/boarding'
  const route = { onRequest: guard.tenant, schema: { params: AgentPath } }

  server.get(
    `${root}/configuration`,
    {
      onRequest: guard.tenant,
      schema: { params: AgentPath, response: { 200: BoardingConfiguration } },
    },
    async (request) => agents.boarding(await guard.agentOf(request)),
  )
  server.get(`${root}/status`, route, async (request) => {
    const { boardingStatus } = await guard.agentOf(request)
    return { status: boardingStatus }
  })
  server.post(`${root}/offboard`, route, async (request) => {
    const { boardingStatus } = await agents.offboard(await guard.agentOf(request))
    return { status: boardingStatus }
  })
}
