// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {OpenSession} from './answers.js' */
import { part } from './api.js'
import { button, link, panel } from './elements.js'
import { moment } from './shown.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.sessions

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export const sessionsPage = async (context) => ({
  title: t.title,
  content: [panel(await sessionTable(context))],
})

/**
 * @param {Context} context
 * @param {string} [user] of this one only
 */
export async function sessionTable({ api, may, act }, user) {
  /** @type {OpenSession[]} */
  const sessions = await api.get(user === undefined ? '/sessions' : `/sessions?user=${part(user)}`)
  const end = (/** @type {OpenSession} */ { id, user: whose }) =>
    void act(() => api.send('DELETE', `/sessions/${part(id)}`), {
      ...{ done: t.ended, sure: { title: whose, text: t.sureEnd, label: t.end } },
    })
  return table(
    t.title,
    sessions,
    [
      ...(user === undefined
        ? [
            {
              label: t.user,
              of: (/** @type {OpenSession} */ one) =>
                may('Users', 'read', true) ? link(`users/${part(one.user)}`, one.user) : one.user,
            },
          ]
        : []),
      { label: t.since, of: ({ createdAt }) => moment(createdAt) },
      { label: t.until, of: ({ expiresAt }) => moment(expiresAt) },
      { label: t.address, of: ({ address }) => address },
      { label: t.agent, of: ({ userAgent }) => userAgent, wide: true },
      {
        label: texts.actions,
        of: (one) =>
          may('Sessions', 'delete') &&
          button(t.end, () => end(one), { described: `${one.user}, ${moment(one.createdAt)}` }),
      },
    ],
    t.none,
  )
}
