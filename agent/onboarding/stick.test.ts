import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { UnsecuredJWT } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { silent } from '../../test/hub-in-process.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { OnboardingRefused } from '../errors.ts'
import { createStick } from './stick.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-stick-'))
  return () => rm(dir, { recursive: true })
})

const boardingFor = (clientId: string) => ({
  content: {
    baseUrl: 'https://hub.example',
    iat: new UnsecuredJWT({}).encode(),
    clientCredentialProfile: ['RSA_3072'],
    clientId,
    tenant: 'plant',
  },
  expiration: '2030-01-01T00:00:00Z',
})

/** A boarding file, on a stick that is mounted as this. */
async function put(mount: string, content: unknown = boardingFor('press')): Promise<string> {
  const path = join(dir, mount, 'edgeward-boarding.json')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function startStick(onboard = async (_: unknown): Promise<unknown> => ({})) {
  const clock = manualClock()
  const box = { unboarded: true }
  const given: unknown[] = []
  const stick = createStick(
    {
      isUnboarded: () => box.unboarded,
      onboard(boarding) {
        given.push(boarding)
        return onboard(boarding)
      },
      ...{ clock, log: silent },
    },
    { dir },
  )
  const stop = new AbortController()
  const running = stick.run(stop.signal)
  return {
    ...stick,
    box,
    given,
    /** Polls until the offer is for this agent, or for none. */
    async offers(agentId: string | undefined): Promise<void> {
      const offered = async () => {
        await clock.advance(5_000)
        return stick.offer()?.agentId
      }
      await expect.poll(offered, { interval: 2 }).toBe(agentId)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

test.for(['stick', 'ada/stick'])('a boarding file in %s is offered without its token', async (mount) => {
  const path = await put(mount)
  await using stick = startStick()
  await stick.offers('press')
  expect(stick.offer()).toEqual({ path, tenant: 'plant', agentId: 'press', hub: 'https://hub.example' })
  expect(stick.given).toEqual([])
})

test('only a small regular file that is a boarding configuration is offered', async () => {
  await put('.', boardingFor('too high'))
  await put('a/b/c', boardingFor('too deep'))
  await put('big', JSON.stringify(boardingFor('big')) + ' '.repeat(65_536))
  await put('broken', '{"content":')
  await put('other', '{}')
  await put('shown', boardingFor('press\u001b[2J'))
  await mkdir(join(dir, 'folder', 'edgeward-boarding.json'), { recursive: true })
  await writeFile(join(dir, 'target'), JSON.stringify(boardingFor('linked')))
  await mkdir(join(dir, 'link'))
  await symlink(join(dir, 'target'), join(dir, 'link', 'edgeward-boarding.json'))
  const good = await put('zzz', boardingFor('good'))
  await using stick = startStick()
  await stick.offers('good')
  await rm(good)
  await stick.offers(undefined)
})

test('what was offered is what is confirmed', async () => {
  await put('stick')
  await using stick = startStick(async () => ({ state: 'onboarded' }))
  await expect(stick.confirm()).rejects.toMatchObject({ code: 'nothing_offered', exitCode: 1 })
  await stick.offers('press')
  await put('a-second-stick', boardingFor('lathe'))
  expect(await stick.confirm()).toEqual({ state: 'onboarded' })
  expect(stick.given).toEqual([boardingFor('press')])
})

test('a file that has changed since it was offered is not taken, and offered anew', async () => {
  await put('stick')
  await using stick = startStick()
  await stick.offers('press')
  await put('stick', boardingFor('lathe'))
  await stick.offers('press')
  await expect(stick.confirm()).rejects.toMatchObject({ code: 'offer_changed', statusCode: 409 })
  expect(stick.given).toEqual([])
  await stick.offers('lathe')
})

test('an offer goes with its stick', async () => {
  const path = await put('stick')
  await using stick = startStick()
  await stick.offers('press')
  await rm(path)
  await expect(stick.confirm()).rejects.toMatchObject({ code: 'offer_changed' })
  expect(stick.offer()).toBeUndefined()
  const again = await put('stick')
  await stick.offers('press')
  await rm(again)
  await stick.offers(undefined)
})

test('a box that is boarded is offered nothing', async () => {
  await put('stick')
  await using stick = startStick()
  await stick.offers('press')
  stick.box.unboarded = false
  expect(stick.offer()).toBeUndefined()
  await expect(stick.confirm()).rejects.toMatchObject({ code: 'nothing_offered' })
  await stick.offers(undefined)
})

test('a file that was refused stays offered, and can be confirmed again', async () => {
  await put('stick')
  await using stick = startStick(async () => {
    throw new OnboardingRefused('it has expired', 'Get a new one.')
  })
  await stick.offers('press')
  await expect(stick.confirm()).rejects.toMatchObject({ code: 'onboarding_refused' })
  await stick.offers('press')
})
