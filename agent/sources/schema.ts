import Type, { type TObject, type TSchema } from 'typebox'
import { dataPointTypes } from '../../protocol/data-source-configuration.ts'
import { descriptions, pipelineDescriptions } from './descriptions.ts'
import { PointKeys } from './pipeline/schema.ts'
import { protocols } from './protocols.ts'

/** JSON Schema (draft 7) of what data sources may say, of all protocols; for editors and other programs. */
export function sourceSchema(): object {
  const sources = Object.entries(protocols).map(([name, { customData, localOnly }]) =>
    Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 64, description: 'Unique on the box.' }),
        description: Type.Optional(Type.String({ maxLength: 256 })),
        customData: Type.Object(
          {
            protocol: Type.Literal(name),
            priority: Type.Optional(
              Type.Enum(['telemetry', 'event'], {
                description: 'When space runs out, telemetry goes before events; telemetry unless told.',
              }),
            ),
            ...described(propertiesOf(customData.source), descriptions[name]?.source),
          },
          closed,
        ),
        dataPoints: Type.Array(pointSchema(name, customData.point)),
      },
      {
        title: name,
        ...(localOnly ? { description: 'In local files only; not from the hub.' } : {}),
      },
    ),
  )
  return plain({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Data sources of edgeward',
    type: 'object',
    required: ['dataSources'],
    properties: { dataSources: { type: 'array', items: { anyOf: sources } } },
  })
}

function pointSchema(protocol: string, point: TSchema): TSchema {
  const { aggregate: _made, ...keys } = PointKeys.properties
  const { scale: _scale, sent: _sent, ...filters } = keys
  const { aggregate } = Type.Required(Type.Pick(PointKeys, ['aggregate'])).properties
  return Type.Object({
    id: Type.String({
      minLength: 1,
      maxLength: 36,
      description: 'Unique on the box; its readings have it at the hub.',
    }),
    name: Type.String({ minLength: 1, maxLength: 64 }),
    description: Type.Optional(Type.String({ maxLength: 256 })),
    type: Type.Enum(dataPointTypes),
    unit: Type.Optional(Type.String({ maxLength: 32, description: 'For people: "°C".' })),
    customData: Type.Union([
      ...alternatives(point).map((each) =>
        Type.Object(
          {
            ...described(propertiesOf(each), descriptions[protocol]?.point),
            ...described(keys, pipelineDescriptions),
          },
          closed,
        ),
      ),
      Type.Object(described({ ...filters, aggregate }, pipelineDescriptions), closed),
    ]),
  })
}

/** What a schema says of itself is not replaced. */
const described = (
  properties: Readonly<Record<string, TSchema>>,
  words: Readonly<Record<string, string>> = {},
): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => [key, withDescription(schema, words[key])]),
  )

/** The library keeps what is optional in properties that are not enumerable. */
function withDescription(schema: TSchema, description: string | undefined): TSchema {
  if (description === undefined || 'description' in schema) return schema
  const copy = Object.create(null, Object.getOwnPropertyDescriptors(schema))
  return Object.defineProperty(copy, 'description', { value: description, enumerable: true }) as TSchema
}

const closed = { additionalProperties: false }

const propertiesOf = (schema: TSchema): Record<string, TSchema> => (schema as TObject).properties ?? {}

/** A protocol may have several kinds of points. */
const alternatives = (schema: TSchema): TSchema[] => (schema as { anyOf?: TSchema[] }).anyOf ?? [schema]

/** Without what a library keeps beside the schema. */
const plain = (schema: object): object => JSON.parse(JSON.stringify(schema)) as object
