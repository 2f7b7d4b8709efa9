// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Retention} from './answers.js' */
import { formDialog } from './dialogs.js'
import { bar, button, lead, panel } from './elements.js'
import { choiceField, textField } from './forms.js'
import { number, word } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.retention
const kinds = ['*', 'AUDIT', 'EVENT', 'ALARM', 'MEASUREMENT']
const patterns = /** @type {const} */ (['type', 'source', 'fragmentType'])

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function retentionPage(context) {
  const { api, may, isOwn, act, done } = context
  /** @type {Retention[]} */
  const rules = await api.get('/retention/rules')
  const remove = (/** @type {Retention} */ { id, revision }) =>
    void act(() => api.send('DELETE', `/retention/rules/${id}`, { revision }), {
      ...{ done: texts.removed, sure: { title: t.rule, text: t.sureRemove, label: texts.remove } },
    })
  const runNow = () =>
    void act(
      async () => {
        const { removed } = await api.send('POST', '/retention/runs')
        const counts = Object.entries(removed).map(
          ([kind, count]) => `${word(kind)}: ${number(Number(count))}`,
        )
        done(fill(t.ran, { counts: counts.join(', ') || '0' }))
      },
      { sure: { title: t.run, text: t.sureRun, label: t.run } },
    )
  const pattern = (/** @type {string} */ text) => (text === '*' ? t.any : text)
  return {
    title: t.title,
    content: [
      panel(
        lead(t.lead),
        table(
          t.title,
          rules,
          [
            { label: t.dataType, of: ({ dataType }) => (dataType === '*' ? t.everything : word(dataType)) },
            ...patterns.map((key) => ({
              label: t[key],
              of: (/** @type {Retention} */ rule) => pattern(rule[key]),
            })),
            { label: t.age, of: ({ maximumAge }) => fill(t.days, { days: number(maximumAge) }) },
            {
              label: texts.actions,
              of: (rule) =>
                rule.editable &&
                may('Retention', 'update', isOwn(rule)) && [
                  button(texts.edit, () => edit(context, rule), { described: `${rule.dataType} ${rule.id}` }),
                  button(texts.remove, () => remove(rule), { described: `${rule.dataType} ${rule.id}` }),
                ],
            },
          ],
          t.none,
        ),
        bar(
          may('Retention', 'create') && button(t.add, () => edit(context), { kind: 'main' }),
          may('Retention', 'update') && button(t.run, runNow),
        ),
      ),
    ],
  }
}

/**
 * @param {Context} context
 * @param {Retention} [rule]
 */
function edit({ api, reload, done }, rule) {
  formDialog({
    title: rule ? t.rule : t.add,
    fields: [
      choiceField({
        ...{ label: t.dataType, name: 'dataType', value: rule?.dataType ?? 'EVENT' },
        choices: kinds.map((kind) => [kind, kind === '*' ? t.everything : word(kind)]),
      }),
      ...patterns.map((key) =>
        textField({
          label: t[key],
          name: key,
          value: rule?.[key] ?? '*',
          required: true,
          hint: t.patternHint,
        }),
      ),
      textField({
        label: t.ageDays,
        name: 'maximumAge',
        type: 'number',
        min: 1,
        max: 3650,
        required: true,
        value: rule?.maximumAge ?? 60,
      }),
    ],
    label: texts.save,
    async submit(values) {
      const body = {
        ...{ dataType: values.text('dataType'), maximumAge: values.number('maximumAge') },
        ...Object.fromEntries(patterns.map((key) => [key, values.text(key)])),
      }
      if (rule) await api.send('PUT', `/retention/rules/${rule.id}`, { body, revision: rule.revision })
      else await api.send('POST', '/retention/rules', { body })
      done(texts.saved)
      reload()
    },
    reload,
  })
}
