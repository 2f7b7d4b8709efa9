import { readFile } from 'node:fs/promises'
import { openNetwork } from '../core/net/index.ts'
import { runProgram } from './harness.ts'

/** What Prometheus and the people who read its figures see of us. */

const { http } = openNetwork()

export async function scrape(address: string): Promise<string> {
  const { status, body } = await http({ method: 'GET', url: `${address}/metrics` })
  if (status !== 200) throw new Error(`${address}/metrics answers ${status}`)
  return body.toString()
}

/** Names of the metrics that are told, with those that have no sample yet. */
export const metricNames = (exposition: string): string[] =>
  [...exposition.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name as string)

/** All lines that tell a number. */
export const seriesOf = (exposition: string): string[] =>
  exposition
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))

/** The value of one series, by name and labels as they are written. */
export function figureOf(exposition: string, series: string): number | undefined {
  const line = exposition.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}

/** What Prometheus' own tool says of it. */
export const promtool = (args: readonly string[], input = '') => runProgram('promtool', args, { input })

const suffixes = /_(?:bucket|sum|count)$/
const ours = /\b(?:edgeward|process|nodejs)_[a-z0-9_]+/g

/** Metrics of ours that an expression asks for; of a histogram, the metric that its series belong to. */
export const namesIn = (expression: string, histograms: ReadonlySet<string>): string[] =>
  [...expression.matchAll(ours)].map(([name]) => {
    const base = name.replace(suffixes, '')
    return histograms.has(base) ? base : name
  })

export const histogramsIn = (exposition: string): Set<string> =>
  new Set([...exposition.matchAll(/^# TYPE (\S+) histogram$/gm)].map(([, name]) => name as string))

export const readText = (path: string): Promise<string> =>
  readFile(new URL(`../${path}`, import.meta.url), 'utf8')
