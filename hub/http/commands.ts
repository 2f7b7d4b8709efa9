import Type from 'typebox'
import { NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Command, Commands } from '../commands/index.ts'
import { CommandRequest, shownCommand } from '../commands/operations.ts'
import { AgentPath } from './agents.ts'
import type { Guard } from './guard.ts'

const CommandPath = Type.Object({ ...AgentPath.properties, command: Type.String() })
const root = '/api/hub/v1/agents/:id/commands'

/** Our own extensions: what boxes are asked to do. */
export function commandRoutes(
  server: HttpServer,
  { guard, commands }: { guard: Guard; commands: Commands },
): void {
  const onRequest = guard.tenant

  /** Of the agent in the path alone. */
  async function inPath(request: Parameters<Guard['agentOf']>[0] & { params: { command: string } }) {
    const { id } = await guard.agentOf(request)
    const command: Command = await commands.show(request.params.command)
    if (command.agentId !== id) throw new NotFound(`no command ${request.params.command}`)
    return command
  }

  server.post(
    root,
    { onRequest, schema: { params: AgentPath, body: CommandRequest } },
    async (request, reply) => {
      const agent = await guard.agentOf(request)
      const askedBy = `tenant ${agent.tenant}`
      return reply.status(201).send(shownCommand(await commands.send(agent, { ...request.body, askedBy })))
    },
  )
  server.get(root, { onRequest, schema: { params: AgentPath } }, async (request) => ({
    commands: (await commands.list((await guard.agentOf(request)).id)).map(shownCommand),
  }))
  server.get(`${root}/:command`, { onRequest, schema: { params: CommandPath } }, async (request) =>
    shownCommand(await inPath(request)),
  )
  server.delete(`${root}/:command`, { onRequest, schema: { params: CommandPath } }, async (request) =>
    shownCommand(await commands.cancel((await inPath(request)).id)),
  )
}
