// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Role} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { bar, button, card, facts, lead } from './elements.js'
import { checkField, form, textField } from './forms.js'
import { permissionsField, permissionsGiven } from './roles.js'
import { texts } from './texts.js'

const t = texts.roles

/**
 * @param {Context} context
 * @param {string} name
 * @returns {Promise<Page>}
 */
export async function rolePage(context, name) {
  const { api, may, isOwn, reload, done, go } = context
  /** @type {Role} */
  const role = await api.get(`/roles/${part(name)}`)
  const path = `/roles/${part(name)}`
  const { revision, description } = role
  if (role.predefined || !may('Users', 'update', isOwn(role)))
    return {
      title: role.name,
      content: [
        card(t.role, facts([[t.description, description]]), permissionsField(role.permissions, true)),
      ],
    }
  const change = form({
    fields: [
      textField({ label: t.description, name: 'description', value: description, maxlength: 256 }),
      permissionsField(role.permissions),
    ],
    label: texts.save,
    async submit(values) {
      const body = { description: values.text('description'), permissions: permissionsGiven(values) }
      await api.send('PATCH', path, { body, revision })
      done(texts.saved)
      reload()
    },
    reload,
  })
  const remove = () =>
    formDialog({
      title: role.name,
      text: t.sureRemove,
      fields: [checkField({ label: t.force, name: 'force' })],
      label: texts.remove,
      async submit(values) {
        await api.send('DELETE', values.isOn('force') ? `${path}?force=true` : path, { revision })
        done(texts.removed)
        go('roles')
      },
      reload,
    })
  return {
    title: role.name,
    content: [
      card(t.role, lead(t.changeEnds), change),
      card(t.removal, bar(button(t.remove, remove, { kind: 'danger' }))),
    ],
  }
}
