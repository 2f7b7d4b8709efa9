// @ts-check
/** @import {Context} from './console.js' */
/** @import {App} from './answers.js' */
import { part } from './api.js'
import { badge, card, facts, h } from './elements.js'
import { explained } from './notices.js'
import { ago, moment, number } from './shown.js'
import { texts } from './texts.js'

const t = texts.apps

/**
 * How the broker and the guard see it.
 * @param {App} app
 */
export function healthCard({ health }) {
  const now = Date.now()
  const { broker = null, guard } = health ?? {}
  const errors = [...(broker?.errors ?? []), ...(guard?.errors ?? [])].sort((a, b) => b.at - a.at)
  const isConnected = (broker?.connections ?? 0) > 0
  return card(
    t.health,
    facts([
      [t.broker, isConnected ? badge(t.connected, 'good') : badge(t.notConnected)],
      [t.connectedSince, moment(broker?.connectedSince)],
      [t.lastMessage, broker?.lastMessageAt ? ago(broker.lastMessageAt, now) : undefined],
      [t.published, number(broker?.published ?? 0)],
      [t.publishDenied, number(broker?.denied ?? 0)],
      [t.overQuota, number(broker?.overQuota ?? 0)],
      [t.passed, number(guard?.passed ?? 0)],
      [t.denied, number(guard?.denied ?? 0)],
    ]),
    errors.length > 0 && h('h3', {}, t.errors),
    errors.length > 0 &&
      h(
        'ul',
        {},
        errors.map(({ at, message }) => h('li', {}, `${moment(at)}: ${message}`)),
      ),
  )
}

/**
 * The last lines of its unit.
 * @param {Context} context
 * @param {App} app
 */
export async function logCard({ api }, { client_id: id }) {
  try {
    /** @type {{ lines: { at: number, priority: number, message: string }[] }} */
    const { lines } = await api.get(`/apps/${part(id)}/log`)
    const text = lines.map(({ at, message }) => `${moment(at)}  ${message}`).join('\n')
    return card(t.log, h('pre', { tabindex: 0, 'aria-label': t.log }, text || t.noLines))
  } catch (error) {
    const { title, detail } = explained(error)
    return card(t.log, h('p', { class: 'message' }, detail ?? title))
  }
}
