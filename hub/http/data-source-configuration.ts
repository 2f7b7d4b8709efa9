import type { HttpServer } from '../../core/http-server.ts'
import {
  DataSourceConfiguration,
  DataSourceConfigurationUpdate,
  withUpperCaseTypes,
} from '../../protocol/data-source-configuration.ts'
import type { Agents } from '../agents.ts'
import type { Registry } from '../registry/index.ts'
import { AgentPath } from './agents.ts'
import type { Guard } from './guard.ts'
import { IfMatch, requireIfMatch } from './preconditions.ts'

/** Thousands of points with their custom data. */
const bodyLimit = 4 * 1024 * 1024

export function dataSourceConfigurationRoutes(
  server: HttpServer,
  { guard, agents, registry }: { guard: Guard; agents: Agents; registry: Registry },
): void {
  const path = '/api/agentmanagement/v3/agents/:id/dataSourceConfiguration'

  server.get(
    path,
    {
      onRequest: guard.tenantOrAgent,
      schema: { params: AgentPath, response: { 200: DataSourceConfiguration } },
    },
    async (request, reply) => {
      const { id } = await guard.agentOf(request)
      const configuration = await registry.call('configuration', id)
      return reply.header('etag', `"${configuration.eTag}"`).send(configuration)
    },
  )
  server.put(
    path,
    {
      bodyLimit,
      onRequest: guard.tenantOrAgent,
      preValidation: async (request) => {
        request.body = withUpperCaseTypes(request.body) as typeof request.body
      },
      schema: {
        params: AgentPath,
        headers: IfMatch,
        body: DataSourceConfigurationUpdate,
        response: { 200: DataSourceConfiguration },
      },
    },
    async (request, reply) => {
      const agent = await guard.agentOf(request)
      const configuration = await agents.configure(agent, request.body, requireIfMatch(request.headers))
      return reply.header('etag', `"${configuration.eTag}"`).send(configuration)
    },
  )
}
