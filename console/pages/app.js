// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {App, Gate} from './answers.js' */
import { part } from './api.js'
import { guardCard } from './app-guard.js'
import { healthCard, logCard } from './app-health.js'
import { showSecret } from './apps.js'
import { formDialog } from './dialogs.js'
import { badge, bar, button, card, facts } from './elements.js'
import { checksField, choiceField, form, linesField, shownFor, textField } from './forms.js'
import { listed, moment, word } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.apps
const scopes = ['assets', 'events', 'files', 'timeseries'].flatMap((kind) => [
  `${kind}:read`,
  `${kind}:write`,
])

/**
 * One app: what it may, its versions and their secrets, who may enter, how it does.
 * @param {Context} context
 * @param {string} name
 * @returns {Promise<Page>}
 */
export async function appPage(context, name) {
  const { api, may, isOwn } = context
  const readsAll = may('Applications', 'read')
  const [app, gates] = await Promise.all([
    /** @type {Promise<App>} */ (api.get(`/apps/${part(name)}`)),
    readsAll ? /** @type {Promise<Gate[]>} */ (api.get('/guard')) : [],
  ])
  const mayChange = may('Applications', 'update')
  const gate = gates.find(({ client_id: id }) => id === name)
  return {
    title: app.client_id,
    content: [
      card(t.app, about(app), may('Applications', 'update', isOwn(app)) && doings(context, app)),
      healthCard(app),
      versionCard(context, app),
      ...(mayChange ? [settingsCard(context, app)] : []),
      ...(readsAll ? [guardCard(context, name, gate)] : []),
      ...(app.unit === null ? [] : [await logCard(context, app)]),
    ],
  }
}

/** @param {App} app */
const about = (app) =>
  facts([
    [t.standing, app.enabled ? badge(t.enabled, 'good') : badge(t.disabled, 'bad')],
    [t.access, word(app.access)],
    [t.scopes, listed(app.scopes)],
    [t.owner, app.owner],
    [t.unit, app.unit],
    [t.createdAt, moment(app.createdAt)],
  ])

/**
 * @param {Context} context
 * @param {App} app
 */
function doings({ api, act, may, go, done }, { client_id: id, enabled, revision }) {
  const path = `/apps/${part(id)}`
  const turn = () =>
    act(() => api.send('PATCH', path, { body: { enabled: !enabled }, revision }), {
      done: texts.saved,
      ...(enabled && { sure: { title: id, text: t.sureDisable, label: t.disable } }),
    })
  const remove = () =>
    act(
      async () => {
        await api.send('DELETE', path, { revision })
        done(texts.removed)
        go('apps')
      },
      { sure: { title: id, text: t.sureRemove, label: texts.remove } },
    )
  return bar(
    may('Applications', 'update') &&
      button(enabled ? t.disable : t.enable, () => void turn(), { kind: enabled ? 'danger' : 'quiet' }),
    button(t.remove, () => void remove(), { kind: 'danger' }),
  )
}

/**
 * @param {Context} context
 * @param {App} app
 */
function versionCard(context, app) {
  const { api, may, isOwn, act } = context
  const { client_id: id, versions } = app
  const mayChange = may('Applications', 'update', isOwn(app))
  const remove = (/** @type {string} */ version) =>
    void act(() => api.send('DELETE', `/apps/${part(id)}/versions/${part(version)}`), {
      ...{
        done: texts.removed,
        sure: { title: `${id} ${version}`, text: t.sureRemove, label: texts.remove },
      },
    })
  return card(
    t.versions,
    table(
      t.versions,
      versions,
      [
        { label: t.version, of: ({ version }) => version },
        { label: t.credential, of: ({ credential }) => word(credential) },
        { label: t.createdAt, of: ({ createdAt }) => moment(createdAt) },
        {
          label: texts.actions,
          of: ({ version, credential }) =>
            mayChange && [
              credential === 'secret' &&
                button(t.rotate, () => rotate(context, id, version), { described: version }),
              versions.length > 1 && button(texts.remove, () => remove(version), { described: version }),
            ],
        },
      ],
      t.noVersions,
    ),
    mayChange && bar(button(t.addVersion, () => addVersion(context, id))),
  )
}

/**
 * @param {Context} context
 * @param {string} id
 */
function addVersion({ api, reload }, id) {
  formDialog({
    title: t.addVersion,
    fields: [textField({ label: t.version, name: 'version', required: true })],
    label: t.addVersion,
    async submit(values) {
      const made = await api.send('POST', `/apps/${part(id)}/versions`, {
        body: { version: values.text('version') },
      })
      return () => showSecret(made).then(reload)
    },
  })
}

/**
 * @param {Context} context
 * @param {string} id
 * @param {string} version
 */
function rotate({ api, reload }, id, version) {
  formDialog({
    title: fill(t.rotateOf, { app: id, version }),
    text: t.rotateLead,
    fields: [
      textField({ label: t.overlap, name: 'hours', type: 'number', min: 0, max: 168, step: 'any', value: 0 }),
    ],
    label: t.rotate,
    async submit(values) {
      const overlapMs = Math.round((values.number('hours') ?? 0) * 3_600_000)
      const body = overlapMs > 0 ? { overlapMs } : {}
      const made = await api.send('POST', `/apps/${part(id)}/versions/${part(version)}/secret`, { body })
      return () => showSecret(made).then(reload)
    },
  })
}

/**
 * @param {Context} context
 * @param {App} app
 */
function settingsCard({ api, reload, done }, app) {
  const { topics, quota } = app
  const custom = app.access === 'custom' ? app.scopes : []
  const access = choiceField({
    ...{ label: t.access, name: 'access', value: app.access, hint: t.accessHint },
    choices: ['read_write', 'limited', 'custom'].map((one) => [one, word(one)]),
  })
  const choices = scopes.map((one) => /** @type {const} */ ([one, one]))
  const ofCustom = checksField({ label: t.customScopes, name: 'scopes', checked: custom, choices })
  return card(
    t.settings,
    form({
      fields: [
        access,
        shownFor(access, 'custom', ofCustom),
        linesField({ label: t.publish, name: 'publish', value: topics.publish, hint: t.topicsHint }),
        linesField({ label: t.subscribe, name: 'subscribe', value: topics.subscribe, hint: t.topicsHint }),
        textField({
          label: t.messages,
          name: 'messages',
          type: 'number',
          min: 1,
          value: quota.messages,
          hint: t.quotaHint,
        }),
        textField({
          label: t.bytes,
          name: 'bytes',
          type: 'number',
          min: 1,
          value: quota.bytes,
          hint: t.quotaHint,
        }),
        linesField({
          label: t.properties,
          name: 'properties',
          rows: 5,
          value: JSON.stringify(app.properties, null, 2),
          hint: t.propertiesHint,
        }),
      ],
      label: texts.save,
      async submit(values) {
        const chosen = values.text('access')
        const body = {
          ...{ access: chosen, properties: values.json('properties') },
          ...(chosen === 'custom' && { scopes: values.all('scopes') }),
          topics: { publish: values.lines('publish'), subscribe: values.lines('subscribe') },
          quota: { messages: values.number('messages') ?? null, bytes: values.number('bytes') ?? null },
        }
        await api.send('PATCH', `/apps/${part(app.client_id)}`, { body, revision: app.revision })
        done(texts.saved)
        reload()
      },
      reload,
    }),
  )
}
