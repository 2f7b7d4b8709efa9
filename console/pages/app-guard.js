// @ts-check
/** @import {Context} from './console.js' */
/** @import {Gate, Rule} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { bar, button, card, facts, lead } from './elements.js'
import { checkField, linesField, textField } from './forms.js'
import { listed } from './shown.js'
import { table } from './table.js'
import { texts } from './texts.js'

const t = texts.guard

/**
 * Where the app is served, and who may enter.
 * @param {Context} context
 * @param {string} app
 * @param {Gate | undefined} gate
 */
export function guardCard(context, app, gate) {
  const { api, may, act } = context
  const mayChange = may('Applications', 'update')
  const unset = () =>
    void act(() => api.send('DELETE', `/apps/${part(app)}/guard`), {
      ...{ done: texts.removed, sure: { title: t.title, text: t.sureUnset, label: t.unset } },
    })
  return card(
    t.title,
    gate ? about(gate) : lead(t.none),
    gate && gate.rules.length > 0 && ruleTable(gate),
    mayChange &&
      bar(
        button(gate ? texts.edit : t.set, () => edit(context, app, gate), { described: t.title }),
        gate && button(t.unset, unset, { kind: 'danger' }),
      ),
  )
}

/** @param {Gate} gate */
const about = (gate) =>
  facts([
    [t.path, gate.path],
    [t.upstream, gate.upstream],
    [t.roles, listed(gate.roles) || t.anyRole],
    [t.methods, listed(gate.methods) || t.anyMethod],
    [t.public, listed(gate.public)],
    [t.token, gate.withhold_token ? t.withheld : t.passedOn],
  ])

/** @param {Gate} gate */
const ruleTable = ({ rules }) =>
  table(
    t.rules,
    rules,
    [
      { label: t.path, of: ({ path }) => path },
      { label: t.methods, of: ({ methods }) => listed(methods) || t.anyMethod },
      { label: t.roles, of: ({ roles }) => listed(roles) || t.anyRole },
    ],
    t.noRules,
  )

/** As a line: path, methods, roles. @param {Rule} rule */
const written = ({ path, methods, roles }) =>
  [path, methods.join('+') || '*', roles.join('+') || '*'].join(' ')

/**
 * @param {string} line
 * @returns {Rule}
 */
function understood(line) {
  const [path = '', methods = '*', roles = '*'] = line.split(/\s+/)
  const names = (/** @type {string} */ text) => (text === '*' ? [] : text.split('+'))
  return { path, methods: names(methods), roles: names(roles) }
}

/**
 * @param {Context} context
 * @param {string} app
 * @param {Gate | undefined} gate
 */
function edit({ api, reload, done }, app, gate) {
  formDialog({
    title: t.title,
    fields: [
      textField({ label: t.path, name: 'path', required: true, value: gate?.path ?? `/${app}/` }),
      textField({ label: t.upstream, name: 'upstream', value: gate?.upstream, hint: t.upstreamHint }),
      linesField({ label: t.roles, name: 'roles', value: gate?.roles ?? [], hint: t.rolesHint }),
      linesField({ label: t.methods, name: 'methods', value: gate?.methods ?? [], hint: t.methodsHint }),
      linesField({ label: t.public, name: 'public', value: gate?.public ?? [], hint: t.publicHint }),
      linesField({
        label: t.rules,
        name: 'rules',
        value: (gate?.rules ?? []).map(written),
        hint: t.rulesHint,
      }),
      checkField({ label: t.withhold, name: 'withhold', checked: gate?.withhold_token ?? false }),
    ],
    label: texts.save,
    async submit(values) {
      const body = {
        ...{ path: values.text('path'), upstream: values.text('upstream') || null },
        ...{ roles: values.lines('roles'), methods: values.lines('methods'), public: values.lines('public') },
        ...{ rules: values.lines('rules').map(understood), withhold_token: values.isOn('withhold') },
      }
      await api.send('PATCH', `/apps/${part(app)}/guard`, { body })
      done(texts.saved)
      reload()
    },
  })
}
