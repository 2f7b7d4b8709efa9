// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Helper, Role, User} from './answers.js' */
import { formDialog, shownOnce } from './dialogs.js'
import { badge, bar, button, card, h, lead, link, panel } from './elements.js'
import { checkField, checksField, choiceField, shownFor, textField } from './forms.js'
import { listed, moment } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.users

/** @param {User} user */
export const fullName = ({ profile: { firstName, lastName } }) =>
  [firstName, lastName].filter((name) => name).join(' ')

/** @param {User} user */
export const standing = ({ enabled, mustChange, validUntil }) => {
  if (!enabled) return badge(t.disabled, 'bad')
  if (validUntil !== null) return badge(fill(t.validUntil, { until: moment(validUntil) ?? '' }), 'warn')
  return mustChange ? badge(t.mustChange, 'warn') : badge(t.enabled, 'good')
}

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function usersPage(context) {
  const { api, may } = context
  const [users, roles, helpers] = await Promise.all([
    /** @type {Promise<User[]>} */ (api.get('/users')),
    /** @type {Promise<Role[]>} */ (api.get('/roles')),
    may('Users', 'admin')
      ? /** @type {Promise<Helper[]>} */ (api.get('/service-access').catch(() => []))
      : [],
  ])
  return {
    title: t.title,
    content: [
      panel(
        table(
          t.title,
          users,
          [
            { label: t.name, of: ({ name }) => link(`users/${encodeURIComponent(name)}`, name) },
            { label: t.person, of: (user) => fullName(user) },
            { label: t.roles, of: ({ roles: has }) => listed(has) },
            { label: t.standing, of: (user) => standing(user) },
          ],
          t.none,
        ),
        may('Users', 'create') && bar(button(t.add, () => add(context, roles), { kind: 'main' })),
      ),
      ...(may('Users', 'admin') ? [serviceCard(context, roles, helpers)] : []),
    ],
  }
}

/**
 * @param {Context} context
 * @param {readonly Role[]} roles
 */
function add({ api, reload, done }, roles) {
  const ways = /** @type {const} */ ([
    ['code', t.byCode],
    ['given', t.byGiven],
    ['made', t.byMade],
  ])
  const way = choiceField({ label: t.password, name: 'way', value: 'code', choices: ways })
  const given = { label: t.givenPassword, name: 'password', type: 'password', autocomplete: 'new-password' }
  formDialog({
    title: t.add,
    fields: [
      textField({
        label: t.name,
        name: 'name',
        required: true,
        maxlength: 128,
        autocapitalize: 'none',
        hint: t.nameHint,
      }),
      h(
        'div',
        { class: 'pair' },
        textField({ label: t.firstName, name: 'firstName' }),
        textField({ label: t.lastName, name: 'lastName' }),
      ),
      checksField({
        label: t.roles,
        name: 'roles',
        checked: [],
        choices: roles.map(({ name }) => [name, name]),
      }),
      way,
      shownFor(way, 'given', textField(given)),
      checkField({ label: t.totpRequired, name: 'totpRequired' }),
    ],
    label: t.add,
    async submit(values) {
      const chosen = values.text('way')
      const name = values.text('name')
      const profile = { firstName: values.text('firstName'), lastName: values.text('lastName') }
      const made = await api.send('POST', '/users', {
        body: {
          ...{ name, profile, roles: values.all('roles'), totpRequired: values.isOn('totpRequired') },
          ...(chosen === 'code' && { resetCode: true }),
          ...(chosen === 'given' && { password: values.raw('password'), mustChange: true }),
        },
      })
      done(fill(t.added, { name }))
      return async () => {
        if (made.password) await showPassword(name, made.password)
        if (made.resetCode) await showResetCode(name, made.resetCode)
        reload()
      }
    },
  })
}

/**
 * @param {string} name
 * @param {string} password
 */
export const showPassword = (name, password) =>
  shownOnce({ title: name, text: t.passwordOnce, secrets: [[t.password, password]] })

/**
 * @param {string} name
 * @param {{ code: string, expiresAt: number }} resetCode
 */
export const showResetCode = (name, { code, expiresAt }) =>
  shownOnce({
    title: fill(t.codeFor, { name }),
    text: fill(t.codeOnce, { name, until: moment(expiresAt) ?? '' }),
    secrets: [[t.code, code]],
  })

/**
 * Lets somebody in to help.
 * @param {Context} context
 * @param {readonly Role[]} roles
 * @param {readonly Helper[]} helpers
 */
function serviceCard({ api, act, reload, done }, roles, helpers) {
  const close = (/** @type {Helper} */ { name }) =>
    void act(() => api.send('DELETE', `/service-access/${encodeURIComponent(name)}`), { done: texts.removed })
  const open = () =>
    formDialog({
      title: t.service,
      text: t.serviceLead,
      fields: [
        choiceField({
          label: t.role,
          name: 'role',
          value: 'Viewer',
          choices: roles.map(({ name }) => [name, name]),
        }),
        textField({
          label: t.hours,
          name: 'hours',
          type: 'number',
          min: 1,
          max: 24,
          value: 4,
          required: true,
        }),
      ],
      label: t.openService,
      async submit(values) {
        const body = { role: values.text('role'), hours: values.number('hours') }
        const made = await api.send('POST', '/service-access', { body })
        done(fill(t.added, { name: made.name }))
        const secrets = /** @type {const} */ ([
          [t.name, made.name],
          [t.password, made.password],
        ])
        return () => shownOnce({ title: t.service, text: t.passwordOnce, secrets }).then(reload)
      },
    })
  const columns = [
    { label: t.name, of: (/** @type {Helper} */ { name }) => name },
    { label: t.roles, of: (/** @type {Helper} */ { roles: has }) => listed(has) },
    { label: texts.sessions.until, of: (/** @type {Helper} */ { validUntil }) => moment(validUntil) },
    {
      label: texts.actions,
      of: (/** @type {Helper} */ helper) =>
        button(t.closeService, () => close(helper), { described: helper.name }),
    },
  ]
  return card(
    t.service,
    lead(t.serviceLead),
    table(t.service, helpers, columns, t.noService),
    bar(button(t.openService, open)),
  )
}
