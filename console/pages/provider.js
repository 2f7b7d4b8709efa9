// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Provider} from './answers.js' */
import { part } from './api.js'
import { bar, button, card, facts, h, lead } from './elements.js'
import { checkField, form, linesField, textField } from './forms.js'
import { mappingEditor } from './provider-mapping.js'
import { texts } from './texts.js'

const t = texts.providers
/** What stands in fields of its own, or is not to be said when the provider is put. */
const apart = [
  'name',
  'template',
  'hasSecret',
  'owner',
  'updatedAt',
  'revision',
  'issuer',
  'clientId',
  'providerName',
  'buttonText',
  'visible',
  'userIdClaim',
  'mapping',
]

/**
 * One identity provider.
 * @param {Context} context
 * @param {string} name
 * @returns {Promise<Page>}
 */
export async function providerPage(context, name) {
  const { api, may, isOwn } = context
  /** @type {Provider} */
  const provider = await api.get(`/identity-providers/${part(name)}`)
  const mayChange = may('SingleSignOn', 'update', isOwn(provider))
  return {
    title: provider.providerName,
    content: [
      card(
        t.provider,
        facts([
          [t.name, provider.name],
          [t.issuer, provider.issuer],
          [t.clientId, provider.clientId],
          [t.secret, provider.hasSecret ? t.hasSecret : t.noSecret],
          [t.onPage, provider.visible ? texts.yes : texts.no],
          [t.rules, provider.mapping.rules.length],
        ]),
        mayChange && doings(context, provider),
      ),
      ...(mayChange ? [editCard(context, provider)] : []),
    ],
  }
}

/**
 * @param {Context} context
 * @param {Provider} provider
 */
function doings({ api, act, go, done }, { name, revision }) {
  const path = `/identity-providers/${part(name)}`
  const remove = () =>
    act(
      async () => {
        await api.send('DELETE', path, { revision })
        done(texts.removed)
        go('providers')
      },
      { sure: { title: name, text: t.sureRemove, label: texts.remove } },
    )
  return bar(
    button(t.test, () => void act(() => api.send('POST', `${path}/test`), { done: t.answers })),
    button(t.remove, () => void remove(), { kind: 'danger' }),
  )
}

/**
 * @param {Context} context
 * @param {Provider} provider
 */
function editCard({ api, reload, done }, provider) {
  const further = Object.fromEntries(Object.entries(provider).filter(([key]) => !apart.includes(key)))
  const mapping = mappingEditor(provider.mapping)
  return card(
    t.edit,
    form({
      fields: [
        textField({ label: t.shownAs, name: 'providerName', required: true, value: provider.providerName }),
        textField({
          label: t.buttonText,
          name: 'buttonText',
          value: provider.buttonText,
          hint: t.shownAsHint,
        }),
        checkField({ label: t.visible, name: 'visible', checked: provider.visible }),
        textField({
          label: t.issuer,
          name: 'issuer',
          type: 'url',
          required: true,
          value: provider.issuer,
          hint: t.issuerHint,
        }),
        textField({ label: t.clientId, name: 'clientId', required: true, value: provider.clientId }),
        textField({
          label: t.secret,
          name: 'secret',
          type: 'password',
          autocomplete: 'off',
          hint: t.secretHint,
        }),
        textField({
          label: t.userIdClaim,
          name: 'userIdClaim',
          required: true,
          value: provider.userIdClaim,
          hint: t.userIdClaimHint,
        }),
        mapping.element,
        h(
          'details',
          {},
          h('summary', {}, t.further),
          lead(t.furtherLead),
          linesField({
            label: t.further,
            name: 'further',
            rows: 14,
            value: JSON.stringify(further, null, 2),
          }),
        ),
      ],
      label: texts.save,
      async submit(values) {
        const secret = values.raw('secret')
        const body = {
          ...values.json('further'),
          ...{ providerName: values.text('providerName'), visible: values.isOn('visible') },
          ...(values.text('buttonText') !== '' && { buttonText: values.text('buttonText') }),
          ...{ issuer: values.text('issuer'), clientId: values.text('clientId') },
          ...(secret !== '' && { secret }),
          ...{ userIdClaim: values.text('userIdClaim'), mapping: mapping.read() },
        }
        await api.send('PUT', `/identity-providers/${part(provider.name)}`, {
          body,
          revision: provider.revision,
        })
        done(texts.saved)
        reload()
      },
      reload,
    }),
  )
}
