// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Provider} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { bar, button, h, lead, link, panel } from './elements.js'
import { choiceField, textField } from './forms.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.providers

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function providersPage(context) {
  const { api, may } = context
  /** @type {Provider[]} */
  const providers = await api.get('/identity-providers')
  return {
    title: t.title,
    content: [
      panel(
        lead(t.lead),
        table(
          t.title,
          providers,
          [
            { label: t.name, of: ({ name }) => link(`providers/${part(name)}`, name) },
            { label: t.shownAs, of: ({ providerName }) => providerName },
            { label: t.issuer, of: ({ issuer }) => issuer, wide: true },
            { label: t.onPage, of: ({ visible }) => (visible ? texts.yes : texts.no) },
          ],
          t.none,
        ),
        may('SingleSignOn', 'create') && bar(button(t.add, () => add(context), { kind: 'main' })),
      ),
    ],
  }
}

/** @param {Context} context */
function add({ api, go, done }) {
  const kinds = /** @type {const} */ ([
    ['custom', 'OpenID Connect'],
    ['azure-ad', 'Azure AD'],
    ['keycloak', 'Keycloak'],
  ])
  /** @param {string} kind */
  const fieldsOf = (kind) => {
    if (kind === 'azure-ad') return [textField({ label: t.tenant, name: 'tenant', required: true })]
    if (kind === 'custom')
      return [textField({ label: t.issuer, name: 'issuer', type: 'url', required: true, hint: t.issuerHint })]
    return [
      textField({ label: t.url, name: 'url', type: 'url', required: true }),
      textField({ label: t.realm, name: 'realm', required: true }),
    ]
  }
  const where = h('div', {}, fieldsOf('custom'))
  const onchange = (/** @type {Event} */ { target }) => {
    if (target instanceof HTMLSelectElement) where.replaceChildren(...fieldsOf(target.value))
  }
  formDialog({
    title: t.add,
    fields: [
      textField({
        label: t.name,
        name: 'name',
        required: true,
        pattern: '[a-z0-9][a-z0-9\\-]{0,39}',
        hint: t.nameHint,
      }),
      choiceField({ label: t.template, name: 'kind', value: 'custom', choices: kinds, onchange }),
      where,
      textField({ label: t.clientId, name: 'clientId', required: true }),
      textField({ label: t.secret, name: 'secret', type: 'password', autocomplete: 'off' }),
      textField({ label: t.shownAs, name: 'providerName', required: true, hint: t.shownAsHint }),
    ],
    label: t.add,
    async submit(values) {
      const [kind, name] = [values.text('kind'), values.text('name')]
      const { tenant, url, realm, issuer } = Object.fromEntries(
        ['tenant', 'url', 'realm', 'issuer'].map((key) => [key, values.text(key)]),
      )
      const template =
        kind === 'azure-ad' ? { kind, tenant } : kind === 'keycloak' ? { kind, url, realm } : { kind }
      const body = {
        ...{ template, ...(kind === 'custom' && { issuer }), clientId: values.text('clientId') },
        ...(values.raw('secret') !== '' && { secret: values.raw('secret') }),
        ...{ providerName: values.text('providerName'), mapping: { mode: 'replace', rules: [] } },
      }
      await api.send('PUT', `/identity-providers/${part(name)}`, { body })
      done(texts.saved)
      go(`providers/${part(name)}`)
    },
  })
}
