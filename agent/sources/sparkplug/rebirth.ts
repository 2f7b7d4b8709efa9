import { datatype } from './datatype.ts'
import { field } from './protobuf.ts'

/** The payload of an NCMD that asks a node for its BIRTH. `now` is epoch milliseconds. */
export function rebirthCommand(now: number): Buffer {
  const metric = Buffer.concat([
    field(1, Buffer.from('Node Control/Rebirth')),
    field(3, BigInt(now)),
    field(4, BigInt(datatype.boolean)),
    field(14, 1n),
  ])
  return Buffer.concat([field(1, BigInt(now)), field(2, metric)])
}
