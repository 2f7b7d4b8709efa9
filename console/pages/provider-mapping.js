// @ts-check
/** @import {AccessRule, Condition, Provider} from './answers.js' */
import { bar, button, h, lead } from './elements.js'
import { choiceField, linesField } from './forms.js'
import { fill, texts } from './texts.js'

const t = texts.providers
const modes = /** @type {const} */ (['creation', 'merge', 'replace'])

/**
 * What somebody gets for what the provider says of him: rules that add up, each with conditions that must
 * all hold.
 * @param {Provider['mapping']} mapping
 */
export function mappingEditor(mapping) {
  const rules = h('div', {}, mapping.rules.map(ruleEditor))
  const mode = choiceField({
    label: t.mode,
    name: 'mode',
    value: mapping.mode,
    choices: modes.map((one) => [one, t.modes[one]]),
  })
  const element = h(
    'fieldset',
    { class: 'rules' },
    h('legend', {}, t.mapping),
    lead(t.mappingLead),
    mode,
    rules,
    bar(button(t.addRule, () => rules.append(ruleEditor({ when: [emptyCondition], roles: [] })))),
  )
  return {
    element,
    read: () => ({
      mode: mode.querySelector('select')?.value,
      rules: [...rules.children].map(readRule),
    }),
  }
}

/** @type {Condition} */
const emptyCondition = { claim: '', operator: '=', value: '' }

/** What these fields do not show, such as roles for a group of apps, stays with its rule. */
const kept = /** @type {WeakMap<Element, AccessRule>} */ (new WeakMap())

/** @param {AccessRule} rule */
function ruleEditor(rule) {
  const conditions = h('div', {}, rule.when.map(conditionEditor))
  const element = h(
    'div',
    { class: 'rule', role: 'group', 'aria-label': t.rule },
    conditions,
    button(t.addCondition, () => conditions.append(conditionEditor(emptyCondition))),
    linesField({ label: t.roles, name: 'rule-roles', value: rule.roles, rows: 2, hint: texts.oneALine }),
    bar(button(t.removeRule, () => element.remove(), { kind: 'danger' })),
  )
  kept.set(element, rule)
  return element
}

/** @param {Condition} condition */
function conditionEditor({ claim, operator, value }) {
  const element = h(
    'div',
    { class: 'condition', role: 'group', 'aria-label': fill(t.condition, { claim }) },
    h('input', { type: 'text', 'aria-label': t.claim, placeholder: t.claim, value: claim, required: true }),
    h(
      'select',
      { 'aria-label': t.operator },
      h('option', { value: '=', selected: operator === '=' }, '='),
      h('option', { value: 'in', selected: operator === 'in' }, t.holds),
    ),
    h('input', { type: 'text', 'aria-label': t.value, placeholder: t.value, value }),
    button('×', () => element.remove(), { described: t.removeCondition }),
  )
  return element
}

/** @param {Element} element */
function readRule(element) {
  const when = [...element.querySelectorAll('.condition')].map((condition) => {
    const [claim, value] = [...condition.querySelectorAll('input')].map((input) => input.value.trim())
    return { claim, operator: condition.querySelector('select')?.value, value }
  })
  const roles = (element.querySelector('textarea')?.value ?? '').split(/[\s,]+/).filter((name) => name !== '')
  return { ...kept.get(element), when, roles }
}
