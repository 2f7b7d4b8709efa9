import { type Check, type Finding, failed, ok, skipped, skippedFor, warning } from '../../core/diagnosis.ts'
import type { EdgeError } from '../../core/errors.ts'
import { isDateError, type Network, type Step } from '../../core/net/index.ts'
import type { Home } from '../onboarding/home.ts'
import { type HubProbe, type Reached, reach } from './hub-probe.ts'
import { describeNameServers, describeNetwork, type WayOut } from './way-out.ts'

export interface HubView {
  /** Undefined while no hub is known. */
  home(): Promise<Home | undefined>
  /** Only when a hub is known. */
  probe(): Promise<HubProbe>
  network: Pick<Network, 'connect'>
  clock: { now(): number }
  /** Outgoing connections go through an HTTP proxy. */
  isProxied: boolean
  wayOut(): Promise<WayOut>
}

type WithHub = (home: Home, probe: HubProbe, signal: AbortSignal) => Finding | Promise<Finding>

/** The way to the hub, one check a step, so that the step that fails is the one that is named. */
export function hubChecks(view: HubView): Check[] {
  const check = (id: string, title: string, needs: string[], look: WithHub): Check => ({
    id,
    title,
    needs,
    async run(signal) {
      const home = await view.home()
      if (!home) return skipped('no hub is known before this box has been onboarded')
      return look(home, await view.probe(), signal)
    },
  })
  const step = (id: CheckedStep, title: string, needs: string[], passed: (home: Home) => Finding) =>
    check(id, title, needs, async (home, probe, signal) => {
      const reached = await probe.reached(signal)
      return stoppedAt(reached, home) === id && 'fault' in reached ? toldBy(reached.fault) : passed(home)
    })

  return [
    ...wayOutChecks(view),
    step('proxy', 'proxy', ['network'], () =>
      view.isProxied
        ? ok('does not stand in the way')
        : skipped('none is configured: connections are direct'),
    ),
    step('hub.resolve', 'name of the hub', ['proxy', 'network.dns'], ({ baseUrl }) =>
      ok(
        `${new URL(baseUrl).hostname} ${view.isProxied ? 'is left to the proxy, or known here' : 'has an address'}`,
      ),
    ),
    step('hub.connect', 'connection to the hub', ['hub.resolve'], ({ baseUrl }) =>
      ok(`${new URL(baseUrl).host} takes connections`),
    ),
    check('clock', 'clock against the hub', ['hub.connect'], async (_home, probe, signal) =>
      describeOffset(await probe.clockOffsetMs(signal)),
    ),
    check('hub.tls', 'certificate of the hub', ['hub.connect'], async (home, probe, signal) => {
      const reached = await probe.reached(signal)
      const isClockAtFault =
        'fault' in reached && isDateError(reached.fault) && isHarmful(await probe.clockOffsetMs(signal))
      if (isClockAtFault) return skippedFor('clock', 'cannot be judged before the clock is right')
      return describeTls(reached, home, view.clock.now())
    }),
    check('hub.http', 'answer of the hub', ['hub.tls'], (home, probe, signal) =>
      describeAnswer(home, probe, signal),
    ),
    check('hub.mqtt', 'MQTT address of the hub', ['hub.tls'], ({ mqtt, ca }, _probe, signal) =>
      describeMqtt(view.network, mqtt, ca, signal),
    ),
  ]
}

/** They know of a fault only what the attempt at the hub met, so that a box that is offline by intent is well. */
function wayOutChecks(view: HubView): Check[] {
  const attempt = async (signal: AbortSignal) => {
    const home = await view.home()
    if (!home) return undefined
    const reached = await (await view.probe()).reached(signal)
    return { host: new URL(home.baseUrl).hostname, reached }
  }
  return [
    {
      id: 'network',
      title: 'network of the box',
      async run(signal) {
        const { host = '', reached } = (await attempt(signal)) ?? {}
        return describeNetwork(await view.wayOut(), isThisMachine(host) ? undefined : reached)
      },
    },
    {
      id: 'network.dns',
      title: 'name servers',
      needs: ['network'],
      async run(signal) {
        if (view.isProxied) return skipped('names are left to the proxy')
        const { host, reached } = (await attempt(signal)) ?? {}
        return describeNameServers(await view.wayOut(), host, reached)
      },
    },
  ]
}

const isThisMachine = (host: string): boolean => /^(localhost|127\..*|\[::1\])$/.test(host)

type CheckedStep = 'proxy' | 'hub.resolve' | 'hub.connect' | 'hub.tls'

/** The check whose matter ended an attempt. A connection that says nothing more has failed as such. */
function stoppedAt(reached: Reached, { baseUrl }: Home): CheckedStep | undefined {
  if (!('fault' in reached)) return undefined
  const checks: Record<Step, CheckedStep> = {
    resolve: 'hub.resolve',
    proxy: 'proxy',
    connect: 'hub.connect',
    timeout: 'hub.connect',
    tls: 'hub.tls',
    answer: baseUrl.startsWith('https:') ? 'hub.tls' : 'hub.connect',
  }
  return checks[reached.fault.step]
}

const toldBy = ({ message, cure }: EdgeError): Finding => failed(message, cure)

/** A login, a certificate or a reading that is off by more is taken for wrong somewhere. */
const toleratedOffsetMs = 60_000
const harmfulOffsetMs = 5 * 60_000

const isHarmful = (offsetMs = 0): boolean => Math.abs(offsetMs) > harmfulOffsetMs

function describeOffset(offsetMs: number | undefined): Finding {
  if (offsetMs === undefined) return skipped('the hub did not tell its time')
  const facts = { offsetMs }
  const off = Math.abs(offsetMs)
  if (off <= toleratedOffsetMs) return ok('agrees with that of the hub', facts)
  const cause = `the clock of this box is ${duration(off)} ${offsetMs > 0 ? 'behind' : 'ahead of'} that of the hub`
  const cure =
    'Set the clock, and let it follow a time server that the plant network lets through ("timedatectl set-ntp true").'
  return isHarmful(offsetMs) ? failed(cause, cure, facts) : warning(cause, cure, facts)
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} minutes`
  return minutes < 2880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`
}

const renewalDueMs = 14 * 86_400_000

function describeTls(reached: Reached, home: Home, now: number): Finding {
  if ('fault' in reached) return toldBy(reached.fault)
  if (!reached.certificate) return skipped('the hub is on this machine and speaks plain HTTP')
  const { subject, issuer, expiresAt } = reached.certificate
  const authority =
    home.ca === undefined ? 'a public authority or proxy.ca_file' : 'the boarding configuration'
  const facts = { subject, issuer, expiresAt }
  const ends = `expires on ${new Date(expiresAt).toISOString().slice(0, 10)}`
  if (expiresAt - now < renewalDueMs)
    return warning(
      `the certificate of ${subject}, issued by ${issuer}, ${ends}`,
      'Renew it at the hub; afterwards boxes cannot reach it.',
      facts,
    )
  return ok(`${subject}, issued by ${issuer}, trusted by ${authority}; ${ends}`, facts)
}

async function describeAnswer(home: Home, probe: HubProbe, signal: AbortSignal): Promise<Finding> {
  const where = new URL(home.baseUrl).origin
  const { status, body } = await probe.answer(signal)
  if (status === 200 && isKey(body.toString())) return ok(`${where} answers as a hub`)
  const facts = { httpStatus: status }
  if (status === 429 || status >= 500)
    return failed(
      `${where} answers with status ${status}: the hub, or what stands before it, cannot serve now`,
      'Wait, and see the log of the hub if it stays so.',
      facts,
    )
  return failed(
    `${where} answers with status ${status}, and not as a hub does`,
    'Something else listens at this address, or a proxy or captive portal answers in its place; check the address in the boarding configuration.',
    facts,
  )
}

/** The hub's public key, as a client reads it. */
function isKey(text: string): boolean {
  try {
    const key = JSON.parse(text) as { value?: unknown; n?: unknown } | null
    return typeof key?.value === 'string' || typeof key?.n === 'string'
  } catch {
    return false
  }
}

async function describeMqtt(
  network: Pick<Network, 'connect'>,
  mqtt: string | undefined,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  if (mqtt === undefined) return skipped('the boarding configuration names no MQTT address')
  const reached = await reach(network, { url: new URL(mqtt), ca }, signal)
  return 'fault' in reached ? toldBy(reached.fault) : ok(`${mqtt} takes connections`)
}
