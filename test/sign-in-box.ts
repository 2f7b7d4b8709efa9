import type { EdgeAuthDeps } from '../edge-auth/index.ts'
import { password, startEdgeAuth } from './edge-auth.ts'
import { codeAt, createVisitor, scan } from './second-factor.ts'

/** A box with the Admin `root`, and how people and programs sign in there. */
export async function openSignInBox(deps: Partial<EdgeAuthDeps> = {}) {
  const edge = await startEdgeAuth({}, undefined, deps)
  await edge.addUser('root', 'Admin')

  const visitor = () =>
    createVisitor(async (path, question) => {
      const answer = await edge.ask(path, question)
      return { ...answer, setCookies: answer.headers['set-cookie'] ?? [] }
    })
  return {
    edge,
    visitor,
    set: (category: string, key: string, value: string, caller?: { user: string }) =>
      edge.run('option.set', { category, key, value }, caller),
    sessions: (user: string) => edge.run('session.list', { user }) as Promise<object[]>,
    factors: async () => ((await edge.run('totp.list')) as { user: string }[]).map(({ user }) => user),
    /** Sets up a second factor; gives the secret. */
    async enrol(username: string): Promise<Buffer> {
      const person = visitor()
      await person.open('?setup=1')
      const secret = scan((await person.submit({ username, password })).text)
      const done = await person.submit({ code: codeAt(secret, edge.now()) }, '/second-factor')
      if (done.session === undefined) throw new Error(`not signed in: ${done.title}`)
      return secret
    },
    /** `in`, or the code of the refusal. */
    async direct(username: string, more: object = {}): Promise<string> {
      const body = { username, password, ...more }
      const answer = await edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', body })
      return answer.status === 200 ? 'in' : (answer.json() as { code: string }).code
    },
    [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose](),
  }
}
