import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigInvalid, exampleConfig, loadConfig, sessionPolicy } from './config.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function load(text: string, env: Record<string, string> = {}) {
  const path = join(dir, 'edgeward.toml')
  writeFileSync(path, text)
  return loadConfig({ file: { path, required: true }, env })
}

function faults(text: string, env: Record<string, string> = {}): string {
  try {
    load(text, env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigInvalid)
    return (error as ConfigInvalid).message.replaceAll(join(dir, 'edgeward.toml'), 'FILE')
  }
  throw new Error('was accepted')
}

test('nothing configured is a configuration that runs', () => {
  const config = loadConfig({ env: {} })
  expect(config.auth.listen).toBe('127.0.0.1:8480')
  expect(config.outbox.commit_interval).toBe(250)
  expect(Object.isFrozen(config.hub)).toBe(true)
})

test('the environment wins over the file, each value read as its type', () => {
  const { uplink, auth, certs } = load('[uplink]\nwindow = 5\n[auth]\nlisten = "127.0.0.1:1"', {
    EDGEWARD_UPLINK_WINDOW: '7',
    EDGEWARD_AUTH_INTROSPECT_PUBLIC: 'true',
    EDGEWARD_CERTS_NAMES: 'a.example, b.example',
    PATH: '/bin',
  })
  expect([uplink.window, auth.listen, auth.introspect_public, certs.names]).toEqual([
    7,
    '127.0.0.1:1',
    true,
    ['a.example', 'b.example'],
  ])
})

test.each([
  [
    'an unknown key',
    '[log]\nlevel = "info"\n[broker]\n\nlistn = "x"',
    'FILE:5: unknown key broker.listn; did you mean broker.listen?',
  ],
  ['an unknown section', '\n[uplnk]\nwindow = 1', 'FILE:2: unknown key uplnk; did you mean uplink?'],
  ['a dotted key', 'auth.listn = "x"', 'FILE:1: unknown key auth.listn; did you mean auth.listen?'],
  ['a wrong type', '[uplink]\nwindow = "many"', 'FILE:2: uplink.window must be integer'],
  ['a duration without unit', '[outbox]\ncommit_interval = "250"', 'FILE:2: outbox.commit_interval'],
  ['broken TOML', '[log]\nlevel = ', 'FILE:2:'],
])('%s is named with its line', (_name, text, said) => {
  expect(faults(text)).toContain(said)
})

test('all faults are told at once, and unknown variables too', () => {
  const said = faults('[log]\nlevl = 1\n[admin]\nlisten = 5', {
    EDGEWARD_BROKER_LISTNE: 'x',
    EDGEWARD_UPLINK_WINDOW: '0',
  })
  expect(said).toContain('did you mean EDGEWARD_BROKER_LISTEN?')
  expect(said).toContain('EDGEWARD_UPLINK_WINDOW: uplink.window')
  expect(said).toContain('log.levl')
  expect(said).toContain('FILE:4: admin.listen')
})

describe('the life of sessions', () => {
  test('is as the product documents unless told, or as a preset says, whatever else is set', () => {
    const day = 86_400_000
    const policy = (text: string) => sessionPolicy(load(text).auth)
    expect(policy('')).toEqual({
      ...{ absoluteMs: 14 * day, renewalMs: day, lifespanMs: 2 * day, renewalDelayMs: 60_000 },
      ...{ maxPerUser: 5, checkUserAgent: false },
    })
    expect(policy('[auth]\nsession_preset = "recommended"\ntoken_lifespan = "20d"')).toMatchObject({
      ...{ absoluteMs: 28_800_000, renewalMs: 2_700_000, lifespanMs: 5_400_000 },
    })
    expect(policy('[auth]\nsession_preset = "fixed"')).toMatchObject({
      ...{ absoluteMs: 14 * day, renewalMs: undefined, lifespanMs: 14 * day },
    })
  })

  test.each([
    [
      '[auth]\ntoken_lifespan = "14d"',
      {},
      'FILE:2: auth.token_lifespan (1209600 s) must be shorter than auth.session_absolute (1209600 s)',
    ],
    [
      '[auth]\nsession_absolute = "30d"',
      { EDGEWARD_AUTH_SESSION_RENEWAL: '3d' },
      'EDGEWARD_AUTH_SESSION_RENEWAL: auth.session_renewal (259200 s) must be shorter than auth.token_lifespan (172800 s)',
    ],
  ])('does not contradict itself', (text, env, said) => {
    expect(faults(text, env)).toBe(said)
  })
})

test('a file that was named must exist', () => {
  expect(() => loadConfig({ file: { path: join(dir, 'no'), required: true }, env: {} })).toThrow(
    /cannot be read/,
  )
  expect(loadConfig({ file: { path: join(dir, 'no'), required: false }, env: {} }).log.level).toBe('info')
})

test('the example holds every key and, taken at its word, is the default configuration', () => {
  const uncommented = exampleConfig().replaceAll(/^#(\w+ = (?!"").*)$/gm, '$1')
  expect(load(uncommented)).toEqual(loadConfig({ env: {} }))
  expect(Object.keys(parse(uncommented))).toEqual(Object.keys(loadConfig({ env: {} })))
})
