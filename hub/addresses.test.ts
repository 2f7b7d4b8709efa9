import { expect, test } from 'vitest'
import { createAddresses } from './addresses.ts'
import { NoPublicAddress } from './errors.ts'

const listen = { http: '127.0.0.1:8080', mqtt: '127.0.0.1:1884' }

test('before the hub listens, its configured ports are handed out', () => {
  expect(createAddresses(listen).forAgents()).toEqual({
    baseUrl: 'http://127.0.0.1:8080',
    mqtt: 'mqtt://127.0.0.1:1884',
  })
})

test('a port that is any must be bound first', () => {
  const addresses = createAddresses({ http: '[::1]:0', mqtt: '[::1]:0' })
  expect(() => addresses.base()).toThrow(NoPublicAddress)
  addresses.bound({ http: 'http://[::1]:4001', mqtt: 'mqtt://[::1]:4002' })
  expect(addresses.forAgents()).toEqual({ baseUrl: 'http://[::1]:4001', mqtt: 'mqtt://[::1]:4002' })
})

test('with TLS both addresses say so, and MQTT is on the host of the public URL', () => {
  const addresses = createAddresses({ ...listen, publicUrl: 'https://hub.plant.example/edge/', tls: {} })
  expect(addresses.forAgents()).toEqual({
    baseUrl: 'https://hub.plant.example/edge',
    mqtt: 'mqtts://hub.plant.example:1884',
  })
})

test('listening on every address names none', () => {
  const addresses = createAddresses({ http: '0.0.0.0:8080', mqtt: '0.0.0.0:1884' })
  expect(() => addresses.forAgents()).toThrow(NoPublicAddress)
})

test('what is configured wins over what is bound', () => {
  const addresses = createAddresses({
    ...listen,
    publicUrl: 'https://hub.example',
    publicMqtt: 'mqtts://mqtt.example:8883',
  })
  addresses.bound({ http: 'http://127.0.0.1:8080', mqtt: 'mqtt://127.0.0.1:1884' })
  expect(addresses.forAgents()).toEqual({ baseUrl: 'https://hub.example', mqtt: 'mqtts://mqtt.example:8883' })
})
