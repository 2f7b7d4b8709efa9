// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {Status} from './answers.js' */
import { badge, card, facts, h, link } from './elements.js'
import { ago, bytes, moment, number, word } from './shown.js'
import { table } from './table.js'
import { fill, texts } from './texts.js'

const t = texts.overview
/** @type {Readonly<Record<string, 'good' | 'warn' | 'bad' | 'calm'>>} */
const tones = {
  ...{
    onboarded: 'good',
    rotating: 'good',
    onboarding: 'warn',
    connected: 'good',
    good: 'good',
    trusted: 'good',
  },
  ...{ connecting: 'warn', starting: 'calm', waiting: 'calm', degraded: 'warn', untrusted: 'warn' },
  ...{ disconnected: 'bad', dead: 'bad', 'needs-onboarding': 'bad' },
}
const state = (/** @type {string} */ name) => badge(word(name), tones[name] ?? 'calm')

/**
 * How the box does.
 * @param {Context} context
 * @returns {Promise<Page>}
 */
export async function overviewPage({ api, may }) {
  /** @type {Status} */
  const status = await api.get('/status')
  const now = Date.now()
  return {
    title: t.title,
    content: [
      h('div', { class: 'cards' }, identity(status), uplink(status, now), outbox(status, now), time(status)),
      card(t.alarms, alarms(status, now), may('Alarms', 'read') && h('p', {}, link('alarms', t.allAlarms))),
      card(t.sources, sources(status, now)),
    ],
  }
}

/** @param {Status} status */
const identity = ({ identity: is }) =>
  card(
    t.identity,
    facts([
      [t.state, state(is.state)],
      [t.why, is.reason],
      [t.tenant, is.tenant],
      [t.agent, is.agentId],
      [t.hub, is.hub],
      [t.credentialUntil, moment(is.credentialExpiresAt)],
    ]),
  )

/** @param {Status} status @param {number} now */
const uplink = ({ uplink: is }, now) =>
  card(
    t.uplink,
    facts([
      [t.state, state(is.state)],
      [t.why, is.reason],
      [t.target, is.target],
      [t.acknowledged, number(is.acknowledgedReadings)],
      [t.lastAck, is.lastAckAt === undefined ? undefined : ago(is.lastAckAt, now)],
    ]),
  )

/** @param {Status} status @param {number} now */
function outbox({ outbox: is }, now) {
  const share = is.bytes / is.maxBytes
  const lost = Object.values(is.lost).reduce((sum, count) => sum + count, 0)
  return card(
    t.outbox,
    facts([
      [t.waiting, fill(t.readings, { count: number(is.readings) })],
      [t.oldest, is.oldestAt === undefined ? undefined : ago(is.oldestAt, now)],
      [t.rate, fill(t.rates, { in: number(is.rates.in), out: number(is.rates.out) })],
      [t.lost, lost > 0 ? badge(fill(t.readings, { count: number(lost) }), 'warn') : t.none],
      [
        t.room,
        h(
          'span',
          {},
          `${bytes(is.bytes)} / ${bytes(is.maxBytes)}`,
          h('meter', { min: 0, max: 1, high: 0.8, value: share, 'aria-label': t.room }),
        ),
      ],
    ]),
  )
}

/** @param {Status} status */
const time = ({ time: is, flash }) =>
  card(
    t.time,
    facts([
      [t.state, state(is.state)],
      [t.vouchedBy, is.source && word(is.source)],
      [t.offset, is.offsetMs === 0 ? undefined : `${number(is.offsetMs / 1000)} s`],
      [t.since, moment(is.since)],
      [t.storage, flash.device],
      [t.written, flash.processBytesPerDay === undefined ? undefined : bytes(flash.processBytesPerDay)],
      [t.lasts, flash.years === undefined ? undefined : fill(t.years, { years: number(flash.years) })],
    ]),
  )

/** @param {Status} status @param {number} now */
const alarms = ({ alarms: standing }, now) =>
  table(
    t.alarms,
    standing,
    [
      { label: t.alarm, of: ({ code }) => code },
      { label: t.what, of: ({ message }) => message, wide: true },
      { label: t.since, of: ({ raisedAt }) => ago(raisedAt, now), narrow: true },
    ],
    t.noAlarms,
  )

/** @param {Status} status @param {number} now */
const sources = ({ sources: all }, now) =>
  table(
    t.sources,
    all,
    [
      { label: t.source, of: ({ name }) => name },
      { label: t.protocol, of: ({ protocol }) => protocol },
      { label: t.state, of: (source) => state(source.state) },
      { label: t.why, of: ({ reason }) => reason, wide: true },
      { label: t.stored, of: ({ readings }) => number(readings), narrow: true },
      {
        label: t.newest,
        of: ({ lastReadingAt }) => (lastReadingAt === undefined ? '' : ago(lastReadingAt, now)),
        narrow: true,
      },
    ],
    t.noSources,
  )
