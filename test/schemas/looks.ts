/** What a person would ask to see that all is there, and what of the answers does not change with time. */
export interface Look {
  of: 'box' | 'hub'
  operation: string
  shown(answer: never): unknown
}

type Named = { name: string; id?: string; roles?: string[] }
type Option = { category: string; key: string; value: string }

export const looks: Record<string, Look> = {
  users: {
    of: 'box',
    operation: 'user.list',
    shown: (answer: Named[]) => answer.map(({ name, roles }) => ({ name, roles: roles?.join() })),
  },
  apps: {
    of: 'box',
    operation: 'app.list',
    shown: (answer: { client_id: string }[]) => answer.map(({ client_id }) => client_id).join(),
  },
  options: {
    of: 'box',
    operation: 'option.list',
    shown: (answer: Option[]) => answer.map(({ category, key, value }) => ({ category, key, value })),
  },
  waiting: {
    of: 'box',
    operation: 'agent.status',
    shown: ({ outbox }: { outbox: { readings: number } }) => outbox.readings,
  },
  agents: {
    of: 'hub',
    operation: 'agent.list',
    shown: (answer: Named[]) => answer.map(({ id, name }) => ({ id, name })),
  },
}
