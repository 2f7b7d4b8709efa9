// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Option} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { badge, bar, button, h, lead, panel } from './elements.js'
import { linesField, textField } from './forms.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.options
/** Options that edgeward itself obeys, for who sets one. */
const known = [
  ...['login/mode', 'login/ignore-case', 'two-factor/strategy', 'two-factor/enforced'],
  ...['oauth.internal/basic-token.lifespan.seconds', 'oauth.internal/body-token.lifespan.seconds'],
  ...['oauth.internal/basic-user.cookie.lifespan.seconds', 'access.control/allow.origin'],
  ...['application/default.app', 'single-sign-on/audit.claims'],
]

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function optionsPage(context) {
  const { api, may, isOwn, act } = context
  /** @type {Option[]} */
  const options = await api.get('/options')
  const nameOf = (/** @type {Option} */ { category, key }) => `${category}/${key}`
  const remove = (/** @type {Option} */ option) =>
    void act(() => api.send('DELETE', pathOf(option), { revision: option.revision }), {
      ...{ done: texts.removed, sure: { title: nameOf(option), text: t.sureRemove, label: texts.remove } },
    })
  return {
    title: t.title,
    content: [
      panel(
        lead(t.lead),
        table(
          t.title,
          options,
          [
            { label: t.option, of: (option) => nameOf(option) },
            { label: t.value, of: ({ value }) => h('code', {}, value), wide: true },
            {
              label: texts.actions,
              of: (option) =>
                option.locked
                  ? badge(t.locked)
                  : may('Options', 'update', isOwn(option)) && [
                      button(texts.edit, () => edit(context, option), { described: nameOf(option) }),
                      button(texts.remove, () => remove(option), { described: nameOf(option) }),
                    ],
            },
          ],
          t.none,
        ),
        may('Options', 'create') && bar(button(t.add, () => edit(context), { kind: 'main' })),
      ),
    ],
  }
}

/** @param {{ category: string, key: string }} option */
const pathOf = ({ category, key }) => `/options/${part(category)}/${part(key)}`

/**
 * @param {Context} context
 * @param {Option} [option]
 */
function edit({ api, reload, done }, option) {
  const list = h(
    'datalist',
    { id: 'known-options' },
    known.map((value) => h('option', { value })),
  )
  formDialog({
    title: option ? `${option.category}/${option.key}` : t.add,
    fields: [
      option
        ? undefined
        : textField({
            label: t.option,
            name: 'name',
            required: true,
            list: list.id,
            pattern: '[^\\/]+\\/[^\\/]+',
            hint: t.nameHint,
          }),
      list,
      linesField({ label: t.value, name: 'value', value: option?.value ?? '', maxlength: 4096 }),
    ],
    label: texts.save,
    async submit(values) {
      const [category = '', key = ''] = values.text('name').split('/')
      const condition = option ? { revision: option.revision } : { isNew: true }
      await api.send('PUT', pathOf(option ?? { category, key }), {
        body: { value: values.text('value') },
        ...condition,
      })
      done(texts.saved)
      reload()
    },
    reload,
  })
}
