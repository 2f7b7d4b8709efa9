import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import { idempotencyHeader, Registration, RegistrationRequest } from '../../protocol/registration.ts'
import type { Registrations } from '../registrations.ts'
import { requireBearer } from './guard.ts'

const headers = Type.Object({
  [idempotencyHeader]: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
})

export function registerRoutes(server: HttpServer, registrations: Registrations): void {
  server.post(
    '/api/agentmanagement/v3/register',
    { schema: { headers, body: RegistrationRequest, response: { 201: Registration } } },
    async (request, reply) => {
      const answer = await registrations.register({
        token: requireBearer(request),
        body: request.body,
        idempotencyKey: request.headers[idempotencyHeader],
      })
      return reply.status(201).send(answer)
    },
  )
  server.put(
    '/api/agentmanagement/v3/register/:clientId',
    {
      schema: {
        headers,
        params: Type.Object({ clientId: Type.String() }),
        body: RegistrationRequest,
        response: { 200: Registration },
      },
    },
    async (request) =>
      registrations.rotate(request.params.clientId, {
        token: requireBearer(request),
        body: request.body,
        idempotencyKey: request.headers[idempotencyHeader],
      }),
  )
}
