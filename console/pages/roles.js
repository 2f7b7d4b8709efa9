// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Group, Level, Role} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { badge, bar, button, card, h, lead, link, panel } from './elements.js'
import { linesField, textField } from './forms.js'
import { categories, levels } from './rights.js'
import { listed } from './shown.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.roles

/**
 * Roles, and the groups of apps for which users can have further ones.
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function rolesPage(context) {
  const { api, may } = context
  const [roles, groups] = await Promise.all([
    /** @type {Promise<Role[]>} */ (api.get('/roles')),
    /** @type {Promise<Group[]>} */ (api.get('/app-groups')),
  ])
  const columns = [
    { label: t.role, of: (/** @type {Role} */ { name }) => link(`roles/${part(name)}`, name) },
    { label: t.description, of: (/** @type {Role} */ { description }) => description },
    {
      label: t.kind,
      of: (/** @type {Role} */ { predefined }) => (predefined ? badge(t.predefined) : badge(t.own, 'good')),
    },
  ]
  return {
    title: t.title,
    content: [
      panel(
        table(t.title, roles, columns, t.none),
        may('Users', 'create') && bar(button(t.add, () => addRole(context), { kind: 'main' })),
      ),
      groupCard(context, groups),
    ],
  }
}

/**
 * Category by level, as check boxes.
 * @param {Readonly<Record<string, readonly Level[]>>} held
 * @param {boolean} [disabled]
 */
export const permissionsField = (held, disabled = false) =>
  h(
    'fieldset',
    { class: 'matrix', disabled },
    h('legend', {}, t.permissions),
    categories.map((category) =>
      h(
        'div',
        { role: 'group', 'aria-label': category },
        h('span', {}, category),
        levels.map((level) =>
          h(
            'label',
            {},
            h('input', {
              type: 'checkbox',
              name: category,
              value: level,
              checked: held[category]?.includes(level) ?? false,
            }),
            level,
          ),
        ),
      ),
    ),
  )

/** @param {import('./forms.js').Values} values */
export const permissionsGiven = (values) =>
  Object.fromEntries(
    categories
      .filter((category) => values.isOn(category))
      .map((category) => [category, values.all(category)]),
  )

/** @param {Context} context */
function addRole({ api, go, done }) {
  formDialog({
    title: t.add,
    fields: [
      textField({
        label: t.role,
        name: 'name',
        required: true,
        pattern: '[A-Za-z0-9._\\-]{1,64}',
        hint: t.nameHint,
      }),
      textField({ label: t.description, name: 'description', maxlength: 256 }),
      permissionsField({}),
    ],
    label: t.add,
    async submit(values) {
      const name = values.text('name')
      const body = { name, description: values.text('description'), permissions: permissionsGiven(values) }
      await api.send('POST', '/roles', { body })
      done(texts.saved)
      go(`roles/${part(name)}`)
    },
  })
}

/**
 * @param {Context} context
 * @param {readonly Group[]} groups
 */
function groupCard(context, groups) {
  const { api, may, isOwn, act } = context
  const remove = (/** @type {Group} */ { name, revision }) =>
    void act(() => api.send('DELETE', `/app-groups/${part(name)}`, { revision }), {
      ...{ done: texts.removed, sure: { title: name, text: t.sureRemoveGroup, label: texts.remove } },
    })
  return card(
    t.groups,
    lead(t.groupsLead),
    table(
      t.groups,
      groups,
      [
        { label: t.group, of: ({ name }) => name },
        { label: t.apps, of: ({ apps }) => listed(apps) },
        {
          label: texts.actions,
          of: (group) =>
            may('Users', 'update', isOwn(group)) && [
              button(texts.edit, () => editGroup(context, group), { described: group.name }),
              button(texts.remove, () => remove(group), { described: group.name }),
            ],
        },
      ],
      t.noGroups,
    ),
    may('Users', 'create') && bar(button(t.addGroup, () => editGroup(context))),
  )
}

/**
 * @param {Context} context
 * @param {Group} [group]
 */
function editGroup({ api, reload, done }, group) {
  formDialog({
    title: group ? group.name : t.addGroup,
    ...(group && { text: t.groupChange }),
    fields: [
      group ? undefined : textField({ label: t.group, name: 'name', required: true, hint: t.nameHint }),
      linesField({ label: t.apps, name: 'apps', value: group?.apps ?? [], hint: texts.oneALine }),
    ],
    label: texts.save,
    async submit(values) {
      const apps = values.lines('apps')
      if (group)
        await api.send('PATCH', `/app-groups/${part(group.name)}`, {
          body: { apps },
          revision: group.revision,
        })
      else await api.send('POST', '/app-groups', { body: { name: values.text('name'), apps } })
      done(texts.saved)
      reload()
    },
    reload,
  })
}
