import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NoSuchFigure, NotSupported } from './reading.ts'

interface Sensor {
  names: string[]
  file: string
}

/** Thermal zones first; hardware monitors where the kernel has no zones. */
const temperatureSensors = async (sys: string): Promise<Sensor[]> => [
  ...(await sensorsIn(join(sys, 'class/thermal'), /^thermal_zone\d+$/, 'type', 'temp')),
  ...(await sensorsIn(join(sys, 'class/hwmon'), /^hwmon\d+$/, 'name', 'temp1_input')),
]

const fanSensors = (sys: string): Promise<Sensor[]> =>
  sensorsIn(join(sys, 'class/hwmon'), /^hwmon\d+$/, 'name', 'fan1_input')

/** °C; of the first sensor unless named by its directory or its type. */
export const temperature = async (sys: string, wanted: string | undefined): Promise<number> =>
  (await readSensor(await temperatureSensors(sys), wanted, 'temperature sensor')) / 1000

/** Turns a minute. */
export const fan = async (sys: string, wanted: string | undefined): Promise<number> =>
  readSensor(await fanSensors(sys), wanted, 'fan')

export const temperatureNames = async (sys: string) => namesOf(await temperatureSensors(sys))
export const fanNames = async (sys: string) => namesOf(await fanSensors(sys))

const namesOf = (sensors: readonly Sensor[]): string[] => sensors.map(({ names }) => names[0] ?? '')

async function readSensor(
  sensors: readonly Sensor[],
  wanted: string | undefined,
  what: string,
): Promise<number> {
  if (sensors.length === 0) throw new NotSupported(`this machine shows no ${what}`)
  const sensor = wanted === undefined ? sensors[0] : sensors.find(({ names }) => names.includes(wanted))
  if (sensor === undefined) throw new NoSuchFigure(`no sensor ${wanted}`)
  return Number(await readFile(sensor.file, 'utf8'))
}

async function sensorsIn(
  dir: string,
  pattern: RegExp,
  typeFile: string,
  valueFile: string,
): Promise<Sensor[]> {
  const entries = await readdir(dir).catch(() => [])
  const numbered = entries.filter((name) => pattern.test(name)).sort(byNumber)
  const sensors = numbered.map(async (name) => {
    const values = await readdir(join(dir, name)).catch(() => [] as string[])
    if (!values.includes(valueFile)) return []
    const type = await readFile(join(dir, name, typeFile), 'utf8').catch(() => '')
    return { names: [name, type.trim()], file: join(dir, name, valueFile) }
  })
  return (await Promise.all(sensors)).flat()
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

/** Of a Raspberry Pi: what its firmware holds back the processor for, as bits. */
export async function throttling(sys: string): Promise<number> {
  const platform = join(sys, 'devices/platform')
  for (const soc of (await readdir(platform).catch(() => [])).filter((name) => name.startsWith('soc')))
    for (const part of (await readdir(join(platform, soc)).catch(() => [])).filter((name) =>
      name.includes('firmware'),
    )) {
      const text = await readFile(join(platform, soc, part, 'get_throttled'), 'utf8').catch(() => undefined)
      if (text !== undefined) return Number.parseInt(text, 16)
    }
  throw new NotSupported('this machine is no Raspberry Pi')
}
