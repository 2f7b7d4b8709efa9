import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'

/** A press in the field: its controller speaks Modbus TCP, its operator panel OPC UA. */
export interface Machine extends AsyncDisposable {
  /** host:port */
  readonly modbus: string
  /** opc.tcp://…; undefined where the library of the server is not installed. */
  readonly opcua: string | undefined
}

async function startMachine(dir: string, clock: Clock): Promise<Machine> {
  await using held = new AsyncDisposableStack()
  const startedAt = clock.monotonic()
  const press: Press = {
    seconds: () => (clock.monotonic() - startedAt) / 1000,
    pressure: () => 180 + 20 * Math.sin(press.seconds()),
    strokes: () => Math.floor(press.seconds() * 2),
  }
  const [modbusPort, opcuaPort] = [await freePort(), await freePort()]
  const controller = held.use(await startController(press, modbusPort))
  const panel = await startPanel(press, opcuaPort, join(dir, 'panel'))
  if (panel) held.use(panel)
  const all = held.move()
  return {
    modbus: controller.address,
    opcua: panel?.endpoint,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Starts it while others start, too; what went wrong is said to who waits for it. */
export function startingMachine(dir: string, clock: Clock): AsyncDisposable & { ready: Promise<Machine> } {
  const ready = startMachine(dir, clock)
  const end = ready.then(
    (machine) => () => machine[Symbol.asyncDispose](),
    () => async () => {},
  )
  return { ready, [Symbol.asyncDispose]: async () => (await end)() }
}

interface Press {
  seconds(): number
  /** bar */
  pressure(): number
  strokes(): number
}

/** Holding registers 0-1: pressure (float32), 2-3: strokes (uint32); coil 0: the door is closed. */
async function startController(press: Press, port: number): Promise<AsyncDisposable & { address: string }> {
  const { ServerTCP } = (await import('modbus-serial')).default
  const registers = Buffer.alloc(8)
  const server = new ServerTCP(
    {
      getHoldingRegister(address: number) {
        registers.writeFloatBE(press.pressure(), 0)
        registers.writeUInt32BE(press.strokes(), 4)
        if (address > 3) throw Object.assign(new Error('no such register'), { modbusErrorCode: 2 })
        return registers.readUInt16BE(2 * address)
      },
      getCoil: () => press.strokes() % 10 !== 0,
    },
    { host: '127.0.0.1', port },
  )
  server.on('socketError', () => {}) // a gateway that is stopped hangs up
  await new Promise((resolve) => server.once('initialized', resolve))
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of server.socks.keys()) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A package for development alone: an installed box does not have it. */
const library = 'node-opcua'

/** Objects/Press: Force in kN and the program that runs. */
async function startPanel(
  press: Press,
  port: number,
  dir: string,
): Promise<(AsyncDisposable & { endpoint: string }) | undefined> {
  const opcua = await import(library).catch(() => undefined)
  if (opcua === undefined) return undefined
  const { DataType, OPCUACertificateManager, OPCUAServer, Variant } = opcua as typeof import('node-opcua')
  const certificates = (name: string) => new OPCUACertificateManager({ rootFolder: join(dir, name) })
  const server = new OPCUAServer({
    ...{ port, host: '127.0.0.1', hostname: '127.0.0.1' },
    ...{ serverCertificateManager: certificates('pki'), userCertificateManager: certificates('users') },
  })
  await server.initialize()
  const space = server.engine.addressSpace as NonNullable<typeof server.engine.addressSpace>
  const own = space.registerNamespace(pressNamespace)
  const folder = own.addFolder(space.rootFolder.objects, { browseName: 'Press', nodeId: 's=Press' })
  const add = (name: string, dataType: 'Double' | 'String', value: () => number | string) =>
    own.addVariable({
      ...{ componentOf: folder, browseName: name, nodeId: `s=Press.${name}`, dataType },
      minimumSamplingInterval: 100,
      value: { get: () => new Variant({ dataType: DataType[dataType], value: value() }) },
    })
  add('Force', 'Double', () => press.pressure() * 4)
  add('Program', 'String', () => `part ${1 + (Math.floor(press.strokes() / 20) % 3)}`)
  await server.start()
  return {
    endpoint: `opc.tcp://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(0),
  }
}

export const pressNamespace = 'urn:edgeward:demo:press'

/** Neither of the two servers takes any port by itself. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
