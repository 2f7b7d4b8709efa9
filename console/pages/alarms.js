// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Alarm, DeviceEvent, Mapping} from './answers.js' */
import { part } from './api.js'
import { formDialog } from './dialogs.js'
import { badge, bar, button, card, lead } from './elements.js'
import { checkField, choiceField, linesField, textField } from './forms.js'
import { moment, number, word } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.alarms
/** @type {Readonly<Record<string, 'warn' | 'bad' | 'calm'>>} */
const tones = { CRITICAL: 'bad', MAJOR: 'bad', MINOR: 'warn', WARNING: 'warn' }
const severities = ['CRITICAL', 'MAJOR', 'MINOR', 'WARNING']

/**
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function alarmsPage(context) {
  const { api } = context
  const [alarms, events, mappings] = await Promise.all([
    /** @type {Promise<Alarm[]>} */ (api.get('/alarms')),
    /** @type {Promise<DeviceEvent[]>} */ (api.get('/events')),
    /** @type {Promise<Mapping[]>} */ (api.get('/alarm-mappings')),
  ])
  const standing = alarms.filter(({ status }) => status !== 'CLEARED')
  const cleared = alarms.filter(({ status }) => status === 'CLEARED')
  return {
    title: t.title,
    content: [
      card(t.standing, alarmTable(context, t.standing, standing, t.noneStanding)),
      card(t.cleared, alarmTable(context, t.cleared, cleared, t.noneCleared)),
      card(t.events, eventTable(events)),
      mappingCard(context, mappings),
    ],
  }
}

/**
 * @param {Context} context
 * @param {string} caption
 * @param {readonly Alarm[]} alarms
 * @param {string} none
 */
function alarmTable({ api, may, act }, caption, alarms, none) {
  const acknowledge = (/** @type {Alarm} */ { id }) =>
    void act(() => api.send('POST', `/alarms/${part(id)}/acknowledgement`), { done: t.acknowledged })
  const told = (/** @type {Alarm} */ alarm) => {
    if (alarm.status === 'CLEARED') return moment(alarm.clearedAt)
    if (alarm.status === 'ACKNOWLEDGED') return fill(t.by, { user: alarm.acknowledgedBy ?? '' })
    return (
      may('Alarms', 'update') && button(t.acknowledge, () => acknowledge(alarm), { described: alarm.text })
    )
  }
  return table(
    caption,
    alarms,
    [
      { label: t.type, of: ({ type, source }) => (source === 'device' ? type : `${type}: ${source}`) },
      { label: t.severity, of: ({ severity }) => badge(word(severity), tones[severity]) },
      { label: t.text, of: ({ text }) => text, wide: true },
      { label: t.since, of: ({ firstOccurrence }) => moment(firstOccurrence) },
      { label: t.times, of: ({ count }) => number(count), narrow: true },
      { label: caption === t.cleared ? t.clearedAt : t.status, of: told },
    ],
    none,
  )
}

/** @param {readonly DeviceEvent[]} events */
const eventTable = (events) =>
  table(
    t.events,
    events,
    [
      { label: t.time, of: ({ time }) => moment(time), narrow: true },
      { label: t.type, of: ({ type }) => type },
      { label: t.text, of: ({ text }) => text, wide: true },
    ],
    t.noEvents,
  )

/**
 * @param {Context} context
 * @param {readonly Mapping[]} mappings
 */
function mappingCard(context, mappings) {
  const { api, may, act } = context
  const mayChange = may('Alarms', 'admin')
  const remove = (/** @type {Mapping} */ { type, revision }) =>
    void act(() => api.send('DELETE', `/alarm-mappings/${part(type)}`, { revision }), { done: texts.removed })
  return card(
    t.mappings,
    lead(t.mappingsLead),
    table(
      t.mappings,
      mappings,
      [
        { label: t.type, of: ({ type }) => type },
        {
          label: t.severity,
          of: ({ severity, dropped }) => (dropped ? t.dropped : (severity && word(severity)) || t.asIs),
        },
        { label: t.text, of: ({ text }) => text ?? t.asIs },
        {
          label: texts.actions,
          of: (mapping) =>
            mayChange && [
              button(texts.edit, () => edit(context, mapping), { described: mapping.type }),
              button(texts.remove, () => remove(mapping), { described: mapping.type }),
            ],
        },
      ],
      t.noMappings,
    ),
    mayChange && bar(button(t.addMapping, () => edit(context))),
  )
}

/**
 * @param {Context} context
 * @param {Mapping} [mapping]
 */
function edit({ api, reload, done }, mapping) {
  formDialog({
    title: mapping ? mapping.type : t.addMapping,
    fields: [
      mapping ? undefined : textField({ label: t.type, name: 'type', required: true, hint: t.typeHint }),
      choiceField({
        ...{ label: t.severity, name: 'severity', value: mapping?.severity ?? '' },
        choices: [['', t.asIs], ...severities.map((one) => /** @type {const} */ ([one, word(one)]))],
      }),
      linesField({
        label: t.text,
        name: 'text',
        value: mapping?.text ?? '',
        hint: t.textHint,
        maxlength: 300,
      }),
      checkField({ label: t.drop, name: 'dropped', checked: mapping?.dropped ?? false, hint: t.dropHint }),
    ],
    label: texts.save,
    async submit(values) {
      const body = {
        ...{ severity: values.text('severity') || null, text: values.text('text') || null },
        dropped: values.isOn('dropped'),
      }
      const type = mapping?.type ?? values.text('type')
      const condition = mapping ? { revision: mapping.revision } : { isNew: true }
      await api.send('PUT', `/alarm-mappings/${part(type)}`, { body, ...condition })
      done(texts.saved)
      reload()
    },
    reload,
  })
}
