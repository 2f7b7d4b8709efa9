// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {App} from './answers.js' */
import { part } from './api.js'
import { formDialog, shownOnce } from './dialogs.js'
import { badge, bar, button, link, panel } from './elements.js'
import { textField } from './forms.js'
import { listed, word } from './shown.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.apps

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function appsPage(context) {
  const { api, may } = context
  /** @type {App[]} */
  const apps = await api.get('/apps')
  return {
    title: t.title,
    content: [
      panel(
        table(
          t.title,
          apps,
          [
            { label: t.app, of: ({ client_id: id }) => link(`apps/${part(id)}`, id) },
            {
              label: t.standing,
              of: ({ enabled }) => (enabled ? badge(t.enabled, 'good') : badge(t.disabled, 'bad')),
            },
            { label: t.versions, of: ({ versions }) => listed(versions.map(({ version }) => version)) },
            { label: t.access, of: ({ access }) => word(access) },
            { label: t.owner, of: ({ owner }) => owner },
          ],
          t.none,
        ),
        may('Applications', 'create') && bar(button(t.add, () => add(context), { kind: 'main' })),
      ),
    ],
  }
}

/** @param {Context} context */
function add({ api, go, done }) {
  formDialog({
    title: t.add,
    fields: [
      textField({
        label: t.app,
        name: 'name',
        required: true,
        pattern: '[A-Za-z0-9._\\-]{1,64}',
        hint: t.nameHint,
      }),
      textField({ label: t.version, name: 'version', required: true, value: '1' }),
    ],
    label: t.add,
    async submit(values) {
      const name = values.text('name')
      const made = await api.send('POST', '/apps', { body: { name, version: values.text('version') } })
      done(texts.saved)
      return () => showSecret(made).then(() => go(`apps/${part(name)}`))
    },
  })
}

/**
 * What an app proves with who it is.
 * @param {{ client_id: string, client_secret?: string }} issued
 */
export const showSecret = ({ client_id: id, client_secret: secret = '' }) =>
  shownOnce({
    ...{ title: t.secret, text: t.secretOnce },
    secrets: [
      ['client_id', id],
      ['client_secret', secret],
    ],
  })
