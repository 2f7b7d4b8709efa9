import {
  coerceNodeId,
  DataType,
  LocalizedText,
  MessageSecurityMode,
  type Namespace,
  OPCUACertificateManager,
  OPCUAServer,
  QualifiedName,
  SecurityPolicy,
  type StatusCode,
  StatusCodes,
  type UAVariable,
  Variant,
  VariantArrayType,
} from 'node-opcua'

/** The server of others, as a process: told what to be by its argument, and what to change by messages. */

export interface ServerOptions {
  port: number
  dir: string
  /** In the order in which the server numbers them; the plant's is among them. */
  namespaces: string[]
  maxSubscriptions?: number
}

export type Change = { set: string; value: unknown; status?: string; sourceTime?: number }

const plant = 'http://plant.example/press'
const options = JSON.parse(process.argv[2] ?? '') as ServerOptions

const trusting = (name: string) =>
  new OPCUACertificateManager({
    rootFolder: `${options.dir}/${name}`,
    automaticallyAcceptUnknownCertificate: true,
  })

const server = new OPCUAServer({
  port: options.port,
  hostname: '127.0.0.1',
  host: '127.0.0.1',
  serverCertificateManager: trusting('pki'),
  userCertificateManager: trusting('users'),
  securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
  securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  userManager: {
    isValidUser: (name: string, password: string) => name === 'press' && password === 'squeeze',
  },
  serverCapabilities: { maxSubscriptions: options.maxSubscriptions ?? 100 },
})
await server.initialize()

const { addressSpace } = server.engine
if (!addressSpace) throw new Error('no address space')
for (const uri of options.namespaces) addressSpace.registerNamespace(uri)
const namespace = addressSpace.getNamespace(plant)
const press = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: 'Press', nodeId: 's=Press' })

const values: [name: string, type: DataType, value: unknown][] = [
  ['Boolean', DataType.Boolean, true],
  ['SByte', DataType.SByte, -128],
  ['Byte', DataType.Byte, 255],
  ['Int16', DataType.Int16, -32_768],
  ['UInt16', DataType.UInt16, 65_535],
  ['Int32', DataType.Int32, -2_147_483_648],
  ['UInt32', DataType.UInt32, 4_294_967_295],
  ['Int64', DataType.Int64, [0x80000000, 1]],
  ['UInt64', DataType.UInt64, [0x7fffffff, 0xffffffff]],
  ['UInt64Beyond', DataType.UInt64, [0xffffffff, 0xffffffff]],
  ['Float', DataType.Float, 0.5],
  ['Double', DataType.Double, 0.1],
  ['NaN', DataType.Double, Number.NaN],
  ['String', DataType.String, 'Öl'],
  ['DateTime', DataType.DateTime, new Date('2024-02-29T12:00:00.123Z')],
  ['Guid', DataType.Guid, '72962B91-FA75-4AE6-8D28-B404DC7DAF63'],
  ['ByteString', DataType.ByteString, Buffer.from('press')],
  ['XmlElement', DataType.XmlElement, '<a/>'],
  ['NodeId', DataType.NodeId, coerceNodeId('ns=0;i=85')],
  ['StatusCode', DataType.StatusCode, StatusCodes.BadTimeout],
  ['QualifiedName', DataType.QualifiedName, new QualifiedName({ namespaceIndex: 1, name: 'q' })],
  ['LocalizedText', DataType.LocalizedText, new LocalizedText({ locale: 'de', text: 'Presse' })],
  ['Empty', DataType.String, null],
  ['Count', DataType.Int32, 0],
  ['Plain', DataType.Double, 0],
]
const variables = new Map<string, { variable: UAVariable; dataType: DataType }>()
for (const [name, dataType, value] of values) {
  const variable = namespace.addVariable({
    componentOf: press,
    browseName: name,
    nodeId: `s=${name}`,
    dataType: DataType[dataType],
    minimumSamplingInterval: 10,
    value: new Variant({ dataType, arrayType: VariantArrayType.Scalar, value }),
  })
  variables.set(name, { variable, dataType })
}
namespace.addVariable({
  ...{ componentOf: press, browseName: 'Array', nodeId: 's=Array', dataType: 'Double', valueRank: 1 },
  arrayDimensions: [3],
  value: { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: new Float64Array([1, 2, 3]) },
})
const level = (namespace as Namespace).addAnalogDataItem({
  ...{ componentOf: press, browseName: 'Level', nodeId: 's=Level', dataType: 'Double' },
  ...{ engineeringUnitsRange: { low: 0, high: 200 }, minimumSamplingInterval: 10 },
  value: new Variant({ dataType: DataType.Double, value: 0 }),
})
variables.set('Level', { variable: level as unknown as UAVariable, dataType: DataType.Double })

function add(name: string): { variable: UAVariable; dataType: DataType } {
  const variable = namespace.addVariable({
    ...{ componentOf: press, browseName: name, nodeId: `s=${name}`, dataType: 'Double' },
    value: new Variant({ dataType: DataType.Double, value: 0 }),
  })
  const added = { variable, dataType: DataType.Double }
  variables.set(name, added)
  return added
}

const statusOf = (name: keyof typeof StatusCodes): StatusCode => StatusCodes[name] as StatusCode

process.on('message', ({ set, value, status, sourceTime }: Change) => {
  const { variable, dataType } = variables.get(set) ?? add(set)
  variable.setValueFromSource(
    { dataType, arrayType: VariantArrayType.Scalar, value },
    statusOf((status ?? 'Good') as keyof typeof StatusCodes),
    sourceTime === undefined ? new Date() : new Date(sourceTime),
  )
  process.send?.({ done: true })
})
process.on('disconnect', () => process.exit())
await server.start()
process.send?.({ ready: true })
