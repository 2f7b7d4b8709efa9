import type { Clock } from '../../core/clock.ts'
import { type SecurityProfile, securityProfiles } from '../../protocol/boarding.ts'
import { type Machine, startingMachine } from './machine.ts'
import { fieldPoints } from './plant.ts'
import {
  arrivedStrokes,
  type DemoGateway,
  type DemoHub,
  goodReadings,
  signIn,
  startGateway,
  startHub,
  until,
} from './scenario.ts'

/** What one gateway did, every figure as the hub or the endpoint showed it. */
interface ProfileReport {
  ok: boolean
  agent: string
  readings: { sent: number; arrived: number; duplicates: number }
  /** Good readings of the machine at the hub; null: the machine does not speak that here. */
  field: Record<keyof typeof fieldPoints, number | null>
  outage: { sent: number; arrived: number }
  rotation: { before: string; after: string }
  introspect: { active: boolean; afterLogout: boolean }
}

export interface Report {
  ok: boolean
  profiles: Record<SecurityProfile, ProfileReport>
  readings: { sent: number; arrived: number; duplicates: number }
  outage: { seconds: number; sent: number; arrived: number }
  rotation: { before: string; after: string }
  introspect: { active: boolean; afterLogout: boolean }
  seconds: number
}

const outageMs = 5_000
const measurements = 50

/** Runs the main job once for both profiles and checks each link of the chain. */
export async function verifyChain(dir: string, clock: Clock, say: (line: string) => void): Promise<Report> {
  const began = clock.monotonic()
  await using held = new AsyncDisposableStack()
  say('Starting a hub and, for each way a box can prove itself, a gateway …')
  const starting = held.use(startingMachine(dir, clock))
  const hub = held.use(await startHub(dir))
  const gateways = await Promise.all(
    securityProfiles.map(async (profile) => ({
      profile,
      gateway: held.use(await startGateway(dir, hub, profile, starting.ready, clock)),
    })),
  )
  const machine = await starting.ready
  if (machine.opcua === undefined) say('  OPC UA is left out: the package node-opcua is not installed here')
  for (const { profile, gateway } of gateways)
    say(`  ${profile}: onboarded as agent ${gateway.agentId}, configured, app and user made`)

  say(`The press app publishes ${measurements} measurements on each gateway …`)
  await Promise.all(gateways.map(({ gateway }) => gateway.app.press.publish(measurements)))
  await allArrived(hub, gateways, clock)

  say(`The hub goes away for ${outageMs / 1000} s; the app goes on publishing …`)
  const { seconds, before } = await outage(hub, gateways, clock)
  await allArrived(hub, gateways, clock)
  await fieldArrived(hub, gateways, machine, clock)
  say('The hub is back and everything has arrived.')

  const profiles = {} as Record<SecurityProfile, ProfileReport>
  for (const { profile, gateway } of gateways) {
    profiles[profile] = await reportOn(hub, gateway, before.get(gateway) ?? 0, machine)
    say(`  ${profile}: ${describe(profiles[profile])}`)
  }
  return summary(profiles, seconds, (clock.monotonic() - began) / 1000)
}

type Gateways = readonly { profile: SecurityProfile; gateway: DemoGateway }[]

async function outage(hub: DemoHub, gateways: Gateways, clock: Clock) {
  const before = new Map(gateways.map(({ gateway }) => [gateway, gateway.app.press.acknowledged.length]))
  const stopped = clock.monotonic()
  await hub.stop()
  while (clock.monotonic() - stopped < outageMs) {
    await Promise.all(gateways.map(({ gateway }) => gateway.app.press.publish(5)))
    await clock.sleep(200)
  }
  const seconds = round((clock.monotonic() - stopped) / 1000)
  await hub.start()
  return { seconds, before }
}

const allArrived = (hub: DemoHub, gateways: Gateways, clock: Clock) =>
  until(clock, 'all measurements to arrive', async () => {
    for (const { gateway } of gateways) {
      const arrived = new Set(await arrivedStrokes(hub, gateway.agentId))
      if (!gateway.app.press.acknowledged.every((value) => arrived.has(value))) return false
    }
    return true
  })

/** A reading of each protocol that the machine speaks. */
const fieldArrived = (hub: DemoHub, gateways: Gateways, machine: Machine, clock: Clock) =>
  until(clock, 'readings of the machine to arrive', async () => {
    for (const { gateway } of gateways) {
      const { modbus, opcua } = await fieldOf(hub, gateway, machine)
      if (modbus === 0 || opcua === 0) return false
    }
    return true
  })

async function fieldOf(hub: DemoHub, { agentId }: DemoGateway, { opcua }: Machine) {
  return {
    modbus: await goodReadings(hub, agentId, fieldPoints.modbus),
    opcua: opcua === undefined ? null : await goodReadings(hub, agentId, fieldPoints.opcua),
  }
}

async function reportOn(
  hub: DemoHub,
  gateway: DemoGateway,
  sentBeforeOutage: number,
  machine: Machine,
): Promise<ProfileReport> {
  const { before, after } = await gateway.child.operate<{ before: string; after: string }>('identity.rotate')
  const session = await signIn(gateway)
  const { active } = await session.introspect()
  await session.logOut()
  const { active: afterLogout } = await session.introspect()

  const values = await arrivedStrokes(hub, gateway.agentId)
  const arrived = new Set(values)
  const sent = gateway.app.press.acknowledged
  const sentInOutage = sent.slice(sentBeforeOutage)
  const readings = {
    sent: sent.length,
    arrived: sent.filter((value) => arrived.has(value)).length,
    duplicates: values.length - arrived.size,
  }
  const duringOutage = {
    sent: sentInOutage.length,
    arrived: sentInOutage.filter((value) => arrived.has(value)).length,
  }
  const field = await fieldOf(hub, gateway, machine)
  const ok =
    field.modbus > 0 &&
    field.opcua !== 0 &&
    readings.arrived === readings.sent &&
    arrived.size === readings.sent && // nothing that was never sent
    readings.duplicates === 0 &&
    duringOutage.sent > 0 &&
    before !== after &&
    active &&
    !afterLogout
  return {
    ok,
    agent: gateway.agentId,
    ...{ readings, field },
    outage: duringOutage,
    rotation: { before, after },
    introspect: { active, afterLogout },
  }
}

function summary(
  profiles: Record<SecurityProfile, ProfileReport>,
  outageSeconds: number,
  seconds: number,
): Report {
  const all = Object.values(profiles)
  const sum = (pick: (report: ProfileReport) => number) =>
    all.reduce((total, report) => total + pick(report), 0)
  return {
    ok: all.every(({ ok }) => ok),
    profiles,
    readings: {
      sent: sum(({ readings }) => readings.sent),
      arrived: sum(({ readings }) => readings.arrived),
      duplicates: sum(({ readings }) => readings.duplicates),
    },
    outage: {
      seconds: outageSeconds,
      sent: sum(({ outage }) => outage.sent),
      arrived: sum(({ outage }) => outage.arrived),
    },
    rotation: profiles.RSA_3072.rotation,
    introspect: {
      active: all.every(({ introspect }) => introspect.active),
      afterLogout: all.some(({ introspect }) => introspect.afterLogout),
    },
    seconds: round(seconds),
  }
}

const describe = ({ readings, field, outage, rotation, introspect }: ProfileReport): string =>
  [
    `${readings.arrived} of ${readings.sent} measurements at the hub, ${readings.duplicates} twice`,
    `${outage.arrived} of ${outage.sent} from the outage`,
    `${field.modbus} readings by Modbus${field.opcua === null ? '' : `, ${field.opcua} by OPC UA`}`,
    `credential rotated ${rotation.before} → ${rotation.after}`,
    `session ${introspect.active ? 'active' : 'INACTIVE'}, after logout ${introspect.afterLogout ? 'STILL ACTIVE' : 'inactive'}`,
  ].join('; ')

const round = (seconds: number) => Math.round(seconds * 10) / 10
