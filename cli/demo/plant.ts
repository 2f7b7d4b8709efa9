import { connectAsync } from 'mqtt'
import type { DataSource, DataSourceConfigurationUpdate } from '../../protocol/data-source-configuration.ts'
import { type Machine, pressNamespace } from './machine.ts'

/** The point whose values are counted: each is sent once and differs from all others. */
export const countedPoint = 'press-strokes'

/** Points that are read from the machine, by protocol. */
export const fieldPoints = { modbus: 'press-pressure', opcua: 'press-force' } as const

/** A press with a controller, a panel and an app that publishes its measurements, and the box itself. */
export const plantConfiguration = (
  app: string,
  machine: Pick<Machine, 'modbus' | 'opcua'>,
): DataSourceConfigurationUpdate => ({
  configurationId: 'demo-plant-1',
  dataSources: [
    controller(machine.modbus),
    ...(machine.opcua === undefined ? [] : [panel(machine.opcua)]),
    {
      name: 'press',
      customData: { protocol: 'mqtt' },
      dataPoints: [
        mqttPoint(app, countedPoint, 'strokes', 'LONG', '', '/strokes'),
        mqttPoint(app, 'press-temperature', 'oil temperature', 'DOUBLE', '°C', '/temperature'),
        mqttPoint(app, 'press-running', 'running', 'BOOLEAN', '', '/running'),
      ],
    },
    {
      name: 'gateway',
      customData: { protocol: 'system', interval: '1s' },
      dataPoints: [
        { id: 'load', name: 'load', type: 'DOUBLE', unit: '', customData: { metric: 'load.1' } },
        { id: 'memory', name: 'memory used', type: 'LONG', unit: 'B', customData: { metric: 'memory.used' } },
      ],
    },
  ],
})

const controller = (address: string): DataSource => ({
  name: 'press-controller',
  customData: { protocol: 'modbus', address, interval: '500ms' },
  dataPoints: [
    {
      ...{ id: fieldPoints.modbus, name: 'hydraulic pressure', type: 'DOUBLE', unit: 'bar' },
      customData: {
        ...{ table: 'holding', address: 0, type: 'float32' },
        deadband: { type: 'Absolute', value: 0.5 },
      },
    },
    {
      ...{ id: 'press-counter', name: 'strokes of the controller', type: 'LONG' },
      customData: { table: 'holding', address: 2, type: 'uint32', trigger: 'StatusValue' },
    },
    {
      ...{ id: 'press-door', name: 'door closed', type: 'BOOLEAN' },
      customData: { table: 'coil', address: 0, trigger: 'StatusValue' },
    },
  ],
})

const panel = (endpoint: string): DataSource => ({
  name: 'press-panel',
  customData: { protocol: 'opcua', endpoint, publishingInterval: '500ms' },
  dataPoints: [
    {
      ...{ id: fieldPoints.opcua, name: 'force', type: 'DOUBLE', unit: 'kN' },
      customData: { nodeId: `nsu=${pressNamespace};s=Press.Force` },
    },
    {
      ...{ id: 'press-program', name: 'program', type: 'STRING' },
      customData: { nodeId: `nsu=${pressNamespace};s=Press.Program` },
    },
  ],
})

function mqttPoint(
  app: string,
  id: string,
  name: string,
  type: 'LONG' | 'DOUBLE' | 'BOOLEAN',
  unit: string,
  pointer: string,
) {
  return { id, name, type, unit, customData: { topic: measurementTopic(app), pointer } }
}

const measurementTopic = (app: string) => `apps/${app}/measurements`

/** Publishes that the app has under way at once. */
const inFlight = 10

const measurement = (strokes: number) => ({
  strokes,
  temperature: 40 + (strokes % 50) / 10,
  running: strokes % 20 !== 0,
})

/** An edge app that publishes while it runs and counts what the broker has acknowledged. */
export interface PressApp extends AsyncDisposable {
  /** Stroke counts whose publish was acknowledged: from then on edgeward answers for them. */
  readonly acknowledged: readonly number[]
  /** Publishes so many measurements; resolves when all are acknowledged. */
  publish(count: number): Promise<void>
}

export async function startPressApp(broker: string, clientId: string, secret: string): Promise<PressApp> {
  const client = await connectAsync(broker, {
    username: clientId,
    password: secret,
    clientId: `${clientId}-press`,
  })
  client.on('error', () => {}) // mqtt.js reconnects by itself
  const acknowledged: number[] = []
  let strokes = 0
  return {
    acknowledged,
    async publish(count) {
      const first = strokes + 1
      strokes += count
      let next = first
      const worker = async () => {
        while (next < first + count) {
          const stroke = next++
          await client.publishAsync(measurementTopic(clientId), JSON.stringify(measurement(stroke)), {
            qos: 1,
          })
          acknowledged.push(stroke)
        }
      }
      await Promise.all(Array.from({ length: inFlight }, worker))
    },
    [Symbol.asyncDispose]: () => client.endAsync(),
  }
}
