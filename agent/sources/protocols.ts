import { command } from './command/index.ts'
import { file } from './file/index.ts'
import { http } from './http/index.ts'
import { modbus } from './modbus/index.ts'
import { mqtt } from './mqtt/index.ts'
import { mqttRemote } from './mqtt-remote/index.ts'
import { opcua } from './opcua/index.ts'
import type { Protocol } from './source.ts'
import { systemOf } from './system/index.ts'

/** What `customData.protocol` of a data source may say. */
export const protocols: Readonly<Record<string, Protocol>> = {
  system: systemOf({ proc: '/proc', sys: '/sys' }),
  modbus,
  mqtt,
  'mqtt-remote': mqttRemote,
  ...{ http, file, command, opcua },
}
