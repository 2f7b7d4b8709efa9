// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Account, Denied, OpenSession} from './answers.js' */
import { part } from './api.js'
import { bar, button, card, facts, lead } from './elements.js'
import { form, textField } from './forms.js'
import { listed, moment } from './shown.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.account
const members = /** @type {const} */ (['firstName', 'lastName', 'email', 'phone'])

/**
 * What a person does with the own account.
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function accountPage(context) {
  const { api, may } = context
  const [account, sessions, denied] = await Promise.all([
    /** @type {Promise<Account>} */ (api.get('/me')),
    /** @type {Promise<OpenSession[]>} */ (api.get('/me/sessions')),
    /** @type {Promise<Denied[]>} */ (api.get('/me/denied-requests')),
  ])
  const mayChange = may('OwnUser', 'update')
  return {
    title: t.title,
    content: [
      card(
        account.name,
        facts([
          [texts.users.alias, account.alias],
          [texts.users.roles, listed(account.roles)],
        ]),
      ),
      ...(mayChange ? [profileCard(context, account)] : []),
      ...(mayChange && account.signsInHere ? [passwordCard(context)] : []),
      sessionCard(context, sessions),
      deniedCard(denied),
    ],
  }
}

/**
 * @param {Context} context
 * @param {Account} account
 */
function profileCard({ api, reload, done }, { profile, revision }) {
  return card(
    t.profile,
    form({
      fields: members.map((key) => textField({ label: texts.users[key], name: key, value: profile[key] })),
      label: texts.save,
      async submit(values) {
        const body = { profile: Object.fromEntries(members.map((key) => [key, values.text(key) || null])) }
        await api.send('PATCH', '/me', { body, revision })
        done(texts.saved)
        reload()
      },
      reload,
    }),
  )
}

/** @param {Context} context */
function passwordCard({ api }) {
  const type = { type: 'password', required: true }
  return card(
    t.password,
    lead(t.passwordLead),
    form({
      fields: [
        textField({ label: t.oldPassword, name: 'oldPassword', autocomplete: 'current-password', ...type }),
        textField({ label: t.newPassword, name: 'newPassword', autocomplete: 'new-password', ...type }),
      ],
      label: t.change,
      async submit(values) {
        const body = { oldPassword: values.raw('oldPassword'), newPassword: values.raw('newPassword') }
        await api.send('PUT', '/me/password', { body })
        await api.get('/session') // ended with the others: leads back to the sign-in
      },
    }),
  )
}

/**
 * @param {Context} context
 * @param {readonly OpenSession[]} sessions
 */
function sessionCard({ api, act, may }, sessions) {
  const mayEnd = may('OwnUser', 'update')
  const end = (/** @type {string} */ path, /** @type {string} */ text) =>
    void act(() => api.send('DELETE', path), {
      ...{
        done: texts.sessions.ended,
        sure: { title: texts.sessions.title, text, label: texts.sessions.end },
      },
    })
  return card(
    texts.sessions.title,
    table(
      texts.sessions.title,
      sessions,
      [
        { label: texts.sessions.since, of: ({ createdAt }) => moment(createdAt) },
        { label: texts.sessions.until, of: ({ expiresAt }) => moment(expiresAt) },
        { label: texts.sessions.address, of: ({ address }) => address },
        { label: texts.sessions.agent, of: ({ userAgent }) => userAgent, wide: true },
        {
          label: texts.actions,
          of: ({ id, createdAt }) =>
            mayEnd &&
            button(texts.sessions.end, () => end(`/me/sessions/${part(id)}`, texts.sessions.sureEnd), {
              described: moment(createdAt) ?? '',
            }),
        },
      ],
      texts.sessions.none,
    ),
    mayEnd && bar(button(t.endAll, () => end('/me/sessions', t.sureEndAll), { kind: 'danger' })),
  )
}

/** @param {readonly Denied[]} denied */
const deniedCard = (denied) =>
  card(
    t.denied,
    lead(t.deniedLead),
    table(
      t.denied,
      denied,
      [
        { label: texts.audit.time, of: ({ at }) => moment(at) },
        {
          label: t.what,
          of: ({ method, path, category, act }) =>
            [method, path, category, act].filter((part) => part).join(' '),
        },
        { label: t.why, of: ({ reason }) => reason },
      ],
      t.noDenied,
    ),
  )
