// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {App, Group, Role, User} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { bar, button, card, facts, lead } from './elements.js'
import { checkField, checksField, choiceField, form, linesField, shownFor, textField } from './forms.js'
import { sessionTable } from './sessions.js'
import { listed, moment } from './shown.js'
import { fill, texts } from './texts.js'
import { fullName, showPassword, showResetCode, standing } from './users.js'

const t = texts.users

/** @typedef {{ user: User, roles: Role[], groups: Group[], apps: App[] }} Shown */

/**
 * One user.
 * @param {Context} context
 * @param {string} name
 * @returns {Promise<Page>}
 */
export async function userPage(context, name) {
  const { api, may, isOwn } = context
  const [user, roles, groups, apps] = await Promise.all([
    /** @type {Promise<User>} */ (api.get(`/users/${part(name)}`)),
    /** @type {Promise<Role[]>} */ (api.get('/roles')),
    /** @type {Promise<Group[]>} */ (api.get('/app-groups')),
    may('Applications', 'read') ? /** @type {Promise<App[]>} */ (api.get('/apps')) : [],
  ])
  const mayChange = may('Users', 'update', isOwn(user))
  const shown = { user, roles, groups, apps }
  return {
    title: user.name,
    content: [
      card(t.account, about(user)),
      ...(mayChange ? [editCard(context, shown), accessCard(context, shown), doings(context, user)] : []),
      ...(may('Sessions', 'read')
        ? [card(texts.sessions.title, await sessionTable(context, user.name))]
        : []),
    ],
  }
}

/** @param {User} user */
const about = (user) =>
  facts([
    [t.standing, standing(user)],
    [t.person, fullName(user)],
    [t.alias, user.alias],
    [t.roles, listed(user.roles)],
    [t.signsIn, user.signsInHere ? t.here : t.elsewhere],
    [t.owner, user.owner],
    [t.createdAt, moment(user.createdAt)],
    [t.permissions, permissions(user)],
  ])

/** @param {User} user */
const permissions = ({ permissions: held }) =>
  Object.entries(held)
    .map(([category, levels]) => `${category}: ${listed(levels)}`)
    .join(' · ')

/**
 * @param {Context} context
 * @param {Shown} shown
 */
function editCard({ api, reload, done }, { user, roles }) {
  const { profile } = user
  return card(
    t.edit,
    form({
      fields: [
        textField({ label: t.firstName, name: 'firstName', value: profile.firstName }),
        textField({ label: t.lastName, name: 'lastName', value: profile.lastName }),
        textField({ label: t.email, name: 'email', type: 'email', value: profile.email }),
        textField({ label: t.phone, name: 'phone', type: 'tel', value: profile.phone }),
        textField({ label: t.alias, name: 'alias', value: user.alias, hint: t.aliasHint }),
        checksField({
          ...{ label: t.roles, name: 'roles', checked: user.roles },
          choices: roles.map(({ name }) => [name, name]),
        }),
        checkField({ label: t.totpRequired, name: 'totpRequired', checked: user.totpRequired }),
      ],
      label: texts.save,
      async submit(values) {
        const member = (/** @type {string} */ key) => values.text(key) || null
        const body = {
          profile: Object.fromEntries(
            ['firstName', 'lastName', 'email', 'phone'].map((key) => [key, member(key)]),
          ),
          ...{
            alias: member('alias'),
            roles: values.all('roles'),
            totpRequired: values.isOn('totpRequired'),
          },
        }
        await api.send('PATCH', `/users/${part(user.name)}`, { body, revision: user.revision })
        done(texts.saved)
        reload()
      },
      reload,
    }),
  )
}

/**
 * Which apps, and which further roles for the apps of a group.
 * @param {Context} context
 * @param {Shown} shown
 */
function accessCard({ api, reload, done }, { user, roles, groups, apps }) {
  const names = [...new Set([...apps.map(({ client_id: id }) => id), ...(user.apps ?? [])])]
  const scoped = (/** @type {string} */ group) => user.scopedRoles[group] ?? []
  const which = choiceField({
    ...{ label: t.apps, name: 'which', value: user.apps === null ? 'all' : 'some' },
    choices: [
      ['all', t.appsAll],
      ['some', t.appsSome],
    ],
  })
  const own = user.apps ?? []
  const some =
    names.length > 0
      ? checksField({ label: t.appsSome, name: 'apps', checked: own, choices: names.map((id) => [id, id]) })
      : linesField({ label: t.appsSome, name: 'apps', value: own, hint: texts.oneALine })
  return card(
    t.access,
    lead(t.accessLead),
    form({
      fields: [
        which,
        shownFor(which, 'some', some),
        ...groups.map((group) =>
          checksField({
            ...{ label: fill(t.rolesFor, { group: group.name }), name: `group:${group.name}` },
            ...{ checked: scoped(group.name), choices: roles.map(({ name }) => [name, name]) },
          }),
        ),
      ],
      label: texts.save,
      async submit(values) {
        const chosen = names.length > 0 ? values.all('apps') : values.lines('apps')
        const scopedRoles = Object.fromEntries(
          groups
            .map(({ name }) => /** @type {const} */ ([name, values.all(`group:${name}`)]))
            .filter(([, has]) => has.length > 0),
        )
        const body = { apps: values.text('which') === 'all' ? null : chosen, scopedRoles }
        await api.send('PATCH', `/users/${part(user.name)}`, { body, revision: user.revision })
        done(texts.saved)
        reload()
      },
      reload,
    }),
  )
}

/**
 * @param {Context} context
 * @param {User} user
 */
function doings(context, user) {
  const { api, act, may, isOwn, session, go, done } = context
  const { name, revision } = user
  const path = `/users/${part(name)}`
  const isSelf = name === session.user
  const sure = (/** @type {string} */ text, /** @type {string} */ label) => ({
    title: name,
    text: fill(text, { name }),
    label,
  })
  const resetCode = () =>
    act(async () => {
      await showResetCode(name, await api.send('POST', `${path}/reset-code`))
    })
  const remove = () =>
    act(
      async () => {
        await api.send('DELETE', path, { revision })
        done(texts.removed)
        go('users')
      },
      { sure: sure(t.sureRemove, texts.remove) },
    )
  const turn = (/** @type {'enable' | 'disable'} */ verb) =>
    act(() => api.send('POST', `${path}/${verb}`), {
      done: texts.saved,
      ...(verb === 'disable' && { sure: sure(t.sureDisable, t.disable) }),
    })
  const revoke = () =>
    act(() => api.send('DELETE', `${path}/second-factor`), {
      done: t.factorRevoked,
      sure: sure(t.sureRevoke, t.revokeFactor),
    })
  return card(
    t.doings,
    bar(
      user.signsInHere && button(t.makeCode, () => void resetCode()),
      user.signsInHere && button(t.setPassword, () => setPassword(context, user)),
      button(t.unlock, () => void act(() => api.send('POST', `${path}/unlock`), { done: t.unlocked })),
      !isSelf &&
        (may('Users', 'admin') || (isOwn(user) && may('Users', 'create'))) &&
        button(t.revokeFactor, () => void revoke()),
      user.enabled
        ? !isSelf && button(t.disable, () => void turn('disable'), { kind: 'danger' })
        : button(t.enable, () => void turn('enable')),
      !isSelf && button(t.remove, () => void remove(), { kind: 'danger' }),
    ),
  )
}

/**
 * @param {Context} context
 * @param {User} user
 */
function setPassword({ api, reload, done }, { name, revision }) {
  formDialog({
    title: t.setPassword,
    text: t.setPasswordLead,
    fields: [
      textField({
        label: t.givenPassword,
        name: 'password',
        type: 'password',
        autocomplete: 'new-password',
        hint: t.orMade,
      }),
      checkField({ label: t.mustChangeNext, name: 'mustChange', checked: true }),
    ],
    label: t.setPassword,
    async submit(values) {
      const password = values.raw('password')
      const body = { mustChange: values.isOn('mustChange'), ...(password !== '' && { password }) }
      const made = await api.send('PUT', `/users/${part(name)}/password`, { body, revision })
      done(texts.saved)
      return async () => {
        if (made.password) await showPassword(name, made.password)
        reload()
      }
    },
    reload,
  })
}
