import { exact } from '../../../core/json.ts'
import type { DataPointType } from '../../../protocol/data-source-configuration.ts'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import { asTime, readDocument } from '../document.ts'
import { messageOf } from '../message.ts'
import type { Sample } from '../source.ts'
import { typed } from '../typed.ts'
import type { FilePoint, SourceSettings } from './settings.ts'

/** What a line says of the points. */
export type ReadLine = (line: string, received: Stamp) => Sample[]

export function lineReader(settings: SourceSettings, points: readonly FilePoint[]): ReadLine {
  const { pattern, timeGroup } = settings
  if (pattern === undefined)
    return (line, received) => {
      const message = messageOf(Buffer.from(line))
      return points.flatMap((point) => readDocument(message, point, received))
    }
  const expression = new RegExp(pattern, 'u')
  return (line, received) => {
    const groups = expression.exec(line)?.groups
    if (!groups) return [] // not a line that the pattern is for
    const stamp = timeGroup === undefined ? received : stampOf(groups[timeGroup], settings, received)
    return points.flatMap(({ id, type, custom: { group = '' } }) => {
      const text = groups[group]
      return text === undefined ? [] : [sample(id, typed(meantBy(text, type), type), stamp)]
    })
  }
}

type Known = Stamp & { isDoubtful?: true }

function sample(point: string, value: ReturnType<typeof typed>, { isDoubtful, ...stamp }: Known): Sample {
  const doubt =
    isDoubtful && value.reason === undefined
      ? { quality: statusCode.uncertain, reason: 'no_source_time' }
      : {}
  return { point, ...value, ...doubt, ...stamp }
}

function stampOf(text: string | undefined, settings: SourceSettings, received: Stamp): Known {
  const time = text === undefined ? undefined : parseTime(text, settings)
  return time === undefined ? { ...received, isDoubtful: true } : { time }
}

const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(?:(Z)|([+-]\d\d):?(\d\d))?$/

/** ISO 8601, also with a blank and a comma, or a number since 1970. Undefined for what says no moment. */
export function parseTime(
  text: string,
  { timeUnit = 'ms', utcOffset }: Pick<SourceSettings, 'timeUnit' | 'utcOffset'>,
): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return asTime(Number(text) * (timeUnit === 's' ? 1_000 : 1))
  const [, date, time, fraction, utc, hours, minutes] = iso.exec(text) ?? []
  const zone = utc ?? (hours === undefined ? utcOffset : `${hours}:${minutes}`)
  if (date === undefined || zone === undefined) return undefined
  const seconds = time?.length === 5 ? `${time}:00` : time
  return asTime(`${date}T${seconds}${fraction === undefined ? '' : `.${fraction}`}${zone}`)
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
const words: Readonly<Record<string, boolean>> = {
  ...{ true: true, on: true, yes: true, 1: true },
  ...{ false: false, off: false, no: false, 0: false },
}

/** Text stands for what the point is; what it cannot be stays text, which the point then does not take. */
function meantBy(text: string, type: DataPointType): unknown {
  if (type === 'DOUBLE') return decimal.test(text) ? Number(text) : text
  if (type === 'INT' || type === 'LONG')
    return /^[+-]?\d+$/.test(text) ? exact(text.replace(/^\+/, '')) : text
  if (type !== 'BOOLEAN') return text
  const word = text.toLowerCase()
  return Object.hasOwn(words, word) ? words[word] : text
}
