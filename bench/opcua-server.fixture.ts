import { DataType, OPCUACertificateManager, OPCUAServer, Variant } from 'node-opcua'

/**
 * A server of others, with Doubles `ns=1;s=P0`, `P1`, … that all change ten times a second. Says its endpoint.
 * `node opcua-server.fixture.ts PORT DIR COUNT`
 */
const [port, dir, count] = process.argv.slice(2) as [string, string, string]
const changeMs = 100

const server = new OPCUAServer({
  ...{ port: Number(port), hostname: '127.0.0.1', host: '127.0.0.1' },
  serverCertificateManager: new OPCUACertificateManager({ rootFolder: `${dir}/pki` }),
  userCertificateManager: new OPCUACertificateManager({ rootFolder: `${dir}/users` }),
})
await server.initialize()
const { addressSpace } = server.engine
if (!addressSpace) throw new Error('no address space')
const namespace = addressSpace.getOwnNamespace()
const variables = Array.from({ length: Number(count) }, (_, k) =>
  namespace.addVariable({
    ...{ organizedBy: addressSpace.rootFolder.objects, browseName: `P${k}`, nodeId: `s=P${k}` },
    ...{ dataType: 'Double', minimumSamplingInterval: 10 },
    value: new Variant({ dataType: DataType.Double, value: k }),
  }),
)
let turn = 0
setInterval(() => {
  turn++
  for (const [k, variable] of variables.entries())
    variable.setValueFromSource(new Variant({ dataType: DataType.Double, value: k + Math.sin(turn / 50) }))
}, changeMs)
await server.start()
process.stdout.write(`${JSON.stringify({ endpoint: `opc.tcp://127.0.0.1:${port}` })}\n`)
