import { expect, test } from 'vitest'
import { Invalid } from '../errors.ts'
import { createBypass } from './bypass.ts'

const bypasses = (target: string, ...list: string[]) => createBypass(list)(new URL(target))

test('this machine is never asked for through a proxy', () => {
  for (const url of ['http://localhost:1/', 'mqtt://127.0.0.1:1883', 'https://[::1]/'])
    expect(bypasses(url), url).toBe(true)
})

test.each([
  ['https://hub.plant.example/', 'plant.example'],
  ['https://hub.plant.example/', '.plant.example'],
  ['https://hub.plant.example/', '*.Plant.example'],
  ['mqtts://hub.plant.example', 'hub.plant.example:8883'],
  ['https://10.1.2.3/', '10.0.0.0/8'],
  ['https://10.1.2.3/', '10.1.2.3'],
  ['https://[fd00::1]/', 'fd00::/8'],
  ['https://[fd00::1]/', 'fd00::1'],
  ['https://[fd00::1]:8443/', '[fd00::1]:8443'],
  ['https://anywhere.example/', '*'],
])('%s goes past the proxy by %s', (url, entry) => {
  expect(bypasses(url, entry)).toBe(true)
})

test.each([
  ['https://notplant.example/', 'plant.example'],
  ['https://hub.plant.example/', 'hub.plant.example:8443'],
  ['https://11.1.2.3/', '10.0.0.0/8'],
  ['https://10.example/', '10.0.0.0/8'],
  ['https://110.1.2.3/', '10.1.2.3'],
])('%s goes through the proxy in spite of %s', (url, entry) => {
  expect(bypasses(url, entry)).toBe(false)
})

test('what is no network is refused with its name', () => {
  for (const entry of ['10.0.0.0/33', 'plant/8', '10.0.0.0/'])
    expect(() => createBypass([entry])).toThrow(Invalid)
})
