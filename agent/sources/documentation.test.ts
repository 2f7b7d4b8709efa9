import { readFileSync } from 'node:fs'
import { parse as parseToml } from 'smol-toml'
import Value from 'typebox/value'
import { expect, test } from 'vitest'
import { exampleSources } from '../../cli/example-sources.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { planAll } from './definitions.ts'
import { protocols } from './protocols.ts'
import { sourceSchema } from './schema.ts'

const text = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/```(json|toml)\n(.*?)```/gs)].map(([, language, body = '']) =>
  language === 'toml' ? fromToml(body) : fromJson(JSON.parse(body)),
)

function fromToml(body: string): DataSource[] {
  return (parseToml(body) as unknown as { dataSources: DataSource[] }).dataSources
}

/** A data source, or points of an app. */
function fromJson(document: DataSource | DataSource['dataPoints']): DataSource[] {
  if (!Array.isArray(document)) return [document]
  return [{ name: 'app', customData: { protocol: 'mqtt' }, dataPoints: document }]
}

const isValid = (dataSources: readonly DataSource[]) =>
  Value.Check(sourceSchema() as never, { dataSources: structuredClone(dataSources) })

test('each example of the documentation is valid, by the daemon and by the published schema', () => {
  for (const dataSources of [...examples, fromToml(exampleSources)]) {
    expect(() => planAll({ hub: [], local: dataSources }, { minIntervalMs: 100 })).not.toThrow()
    expect(isValid(dataSources), JSON.stringify(dataSources)).toBe(true)
  }
})

/** Keys without a description, as `modbus.address`. */
function undescribed(): string[] {
  const { properties } = JSON.parse(JSON.stringify(sourceSchema()))
  return properties.dataSources.items.anyOf.flatMap((source: Schema) => {
    const custom = source.properties?.customData?.properties ?? {}
    const points = source.properties?.dataPoints?.items?.properties?.customData?.anyOf ?? []
    const all = [custom, ...points.map((each) => each.properties ?? {})].flatMap(Object.entries)
    const bare = all.filter(([key, { description }]) => key !== 'protocol' && description === undefined)
    return bare.map(([key]) => `${source.title}.${key}`)
  })
}

interface Schema {
  title?: string
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
}

test('each protocol has an example, and each key a description', () => {
  expect(undescribed()).toEqual([])
  const shown = new Set(examples.flat().map(({ customData }) => customData?.protocol))
  expect(Object.keys(protocols).filter((name) => !shown.has(name))).toEqual([])
})

test('the published schema refuses what the daemon refuses', () => {
  const [box] = fromToml(exampleSources).slice(-2)
  expect(isValid([{ ...(box as DataSource), customData: { protocol: 'telepathy' } }])).toBe(false)
  expect(isValid([{ ...(box as DataSource), customData: { protocol: 'system', intervall: '1s' } }])).toBe(
    false,
  )
})
