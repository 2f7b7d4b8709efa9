// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Entry} from './answers.js' */
import { formDialog } from './dialogs.js'
import { badge, bar, button, card, h } from './elements.js'
import { choiceField, form, linesField, textField } from './forms.js'
import { moment } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.audit
const categories = [
  ...['User login', 'Single sign-on', 'User', 'Global role', 'Inventory role', 'Option'],
  ...['Tenant auth configuration', 'Application', 'Session', 'Token', 'Access', 'Audit', 'Retention'],
  ...['Alarm', 'Custom'],
]
/** What stands in columns of its own, or proves the chain. */
const apart = ['id', 'type', 'category', 'action', 'deviceTime', 'user', 'hash', 'previous', 'requestId']

/** @typedef {{ entries: Entry[], next?: number }} Found */

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function auditPage(context) {
  const { api, may } = context
  const list = h('div', {})
  /** @type {Entry[]} */
  let entries = []
  let query = new URLSearchParams()

  /** @param {number} [before] */
  async function load(before) {
    const asked = new URLSearchParams(query)
    if (before !== undefined) asked.set('before', String(before))
    /** @type {Found} */
    const found = await api.get(`/audit?${asked}`)
    entries = before === undefined ? found.entries : [...entries, ...found.entries]
    const { next } = found
    list.replaceChildren(
      entryTable(entries),
      ...(next === undefined ? [] : [bar(button(t.more, () => void load(next)))]),
    )
  }
  await load()

  const filter = form({
    fields: [
      h(
        'div',
        { class: 'filters' },
        choiceField({
          label: t.category,
          name: 'category',
          choices: [['', t.all], ...categories.map((one) => /** @type {const} */ ([one, one]))],
        }),
        textField({ label: t.type, name: 'type', placeholder: 'login_failed' }),
        textField({ label: t.user, name: 'user' }),
        textField({ label: t.since, name: 'since', type: 'datetime-local' }),
        textField({ label: t.until, name: 'until', type: 'datetime-local' }),
      ),
    ],
    label: t.filter,
    async submit(values) {
      const at = (/** @type {string} */ name) =>
        values.text(name) ? String(new Date(values.text(name)).getTime()) : ''
      const asked = {
        ...{ category: values.text('category'), type: values.text('type'), user: values.text('user') },
        ...{ since: at('since'), until: at('until') },
      }
      query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ''))
      await load()
    },
  })
  return {
    title: t.title,
    content: [
      card(
        t.filter,
        filter,
        bar(
          button(t.verify, () => void verify(context)),
          may('Audits', 'admin') && button(t.add, () => add(context)),
        ),
      ),
      card(t.entries, list),
    ],
  }
}

/** @param {readonly Entry[]} entries */
const entryTable = (entries) =>
  table(
    t.entries,
    entries,
    [
      { label: t.time, of: ({ deviceTime }) => moment(deviceTime), narrow: true },
      { label: t.category, of: ({ category }) => category },
      { label: t.action, of: ({ action, type }) => [action, ' ', badge(type)] },
      { label: t.user, of: ({ user }) => user },
      { label: t.detail, of: (entry) => detailOf(entry), wide: true },
    ],
    t.none,
  )

/** @param {Entry} entry */
const detailOf = ({ detail, ...entry }) =>
  [
    ...Object.entries(entry).filter(([key]) => !apart.includes(key)),
    ...Object.entries(/** @type {object} */ (detail ?? {})),
  ]
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' · ')

/**
 * Whether nobody has changed what was written.
 * @param {Context} context
 */
async function verify({ api, act }) {
  await act(async () => {
    /** @type {{ isGood: boolean }} */
    const { isGood, ...found } = await api.get('/audit/verification')
    const text = isGood ? t.whole : fill(t.broken, { found: JSON.stringify(found) })
    formDialog({ title: t.verify, text, fields: [], label: texts.close, submit: async () => {} })
  })
}

/** @param {Context} context */
function add({ api, reload, done }) {
  formDialog({
    title: t.add,
    fields: [linesField({ label: t.text, name: 'text', required: true, maxlength: 1000 })],
    label: t.add,
    async submit(values) {
      await api.send('POST', '/audit', { body: { text: values.text('text') } })
      done(texts.saved)
      reload()
    },
  })
}
