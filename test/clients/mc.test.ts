import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../harness.ts'
import { type ClientHub, pkcs1Key, startClientHub } from './hub.ts'

/** The command line `mc` of mindconnect-nodejs. */

const require = createRequire(import.meta.url)
const mcModule = '@mindconnect/mindconnect-nodejs/dist/src'
const { encrypt } = require(`${mcModule}/api/utils.js`) as { encrypt(credentials: object): object }

let hub: ClientHub

beforeAll(async () => {
  hub = await startClientHub()
  const { client_id: user, client_secret: password } = hub.credentials
  const credentials = encrypt({
    user,
    password,
    passkey: 'passkey',
    gateway: hub.base,
    tenant: 'default',
    type: 'SERVICE',
    usertenant: '',
    appName: '',
    appVersion: '',
    createdAt: new Date().toISOString(),
    selected: true,
  })
  await mkdir(`${hub.dir}/home/.mc`, { recursive: true })
  await writeFile(`${hub.dir}/home/.mc/auth.json`, JSON.stringify({ credentials: [credentials] }))
})

afterAll(() => hub[Symbol.asyncDispose]())

async function mc(...args: string[]): Promise<string> {
  const noProxy = { http_proxy: '', HTTP_PROXY: '', https_proxy: '', HTTPS_PROXY: '' }
  const { stdout, stderr } = await runProgram(
    process.execPath,
    [require.resolve(`${mcModule}/cli/mc.js`), ...args],
    {
      env: { HOME: `${hub.dir}/home`, NO_UPDATE_NOTIFIER: '1', FORCE_COLOR: '0', ...noProxy },
    },
  )
  return stdout + stderr
}

const withPasskey = ['--passkey', 'passkey']

test.each([['SHARED_SECRET'], ['RSA_3072']])(
  'an agent of the profile %s is made, taken in, asked for, renewed and taken out',
  async (profile) => {
    const file = `${hub.dir}/${profile}.json`
    const agent = ['--config', file]
    const key = `${hub.dir}/${profile}.key`
    if (profile === 'RSA_3072') await writeFile(key, pkcs1Key())
    const cert = profile === 'RSA_3072' ? ['--cert', key] : []

    await mc('create-agent', ...agent, '--agentname', profile, '--profile', profile, ...withPasskey)
    const boarding = JSON.parse(await readFile(file, 'utf8'))
    expect(boarding.content).toMatchObject({ baseUrl: hub.base, clientCredentialProfile: [profile] })

    expect(await mc('onboard', ...agent, ...cert)).toContain('succesfully onboarded')
    expect(await mc('agent-token', ...agent, ...cert)).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/m)
    expect(await mc('agent-status', ...agent, ...cert, ...withPasskey)).toContain('Agent is ONBOARDED')

    expect(await mc('offboard-agent', ...agent, ...withPasskey)).toContain('Agent offboarded')
    expect(await mc('agent-status', ...agent, ...cert, ...withPasskey)).toContain('Agent is NOT_ONBOARDED')
    expect(await mc('renew-agent', ...agent, ...withPasskey)).toContain('Agent configuration renewed')
    expect(JSON.parse(await readFile(file, 'utf8')).content.iat).not.toBe(boarding.content.iat)
    expect(await mc('onboard', ...agent, ...cert)).toContain('succesfully onboarded')
  },
)

test('a service token of the command line opens the hub', async () => {
  const token = (await mc('service-token', ...withPasskey)).trim()
  const answer = await fetch(`${hub.base}/api/agentmanagement/v3/agents`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(200)
})
