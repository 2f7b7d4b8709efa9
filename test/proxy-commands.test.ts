import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { edgeward, type Gateway, runProgram, startGateway, type TempDir, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'
import { makeCertificate } from './proxies.ts'

describeWith(['nginx', 'caddy'], 'the commands of the guard', () => {
  let dir: TempDir
  let gateway: Gateway
  const run = (...args: string[]) => edgeward([...args, '--state-dir', dir.path])
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout)
  beforeAll(async () => {
    dir = await tempDir()
    gateway = await startGateway(dir.path) // with it the commands need no stores of their own
    await run('app', 'add', 'press', '--version', '1')
  })
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  test('app set says who may enter, and changes what is given', async () => {
    const rule = '/press/settings/ get,POST Admin'
    const set = await json(
      ...['app', 'set', 'press', '--path', '/press/', '--upstream', 'http://127.0.0.1:3000'],
      ...['--roles', 'Operator,Admin', '--public', '/press/andon/', '--methods', 'GET,HEAD'],
      ...['--rule', rule, '--rule', '/press/log/ * *', '--withhold-token'],
    )
    expect(set).toEqual({
      ...{ client_id: 'press', path: '/press/', upstream: 'http://127.0.0.1:3000', methods: ['GET', 'HEAD'] },
      ...{ roles: ['Operator', 'Admin'], public: ['/press/andon/'], withhold_token: true },
      rules: [
        { path: '/press/settings/', methods: ['GET', 'POST'], roles: ['Admin'] },
        { path: '/press/log/', methods: [], roles: [] },
      ],
    })
    const again = await json('app', 'set', 'press', '--methods', '', '--rule', '', '--no-withhold-token')
    expect(again).toEqual({ ...set, methods: [], rules: [], withhold_token: false })
    expect((await run('app', 'guard')).stdout).toMatch(
      /press\s+\/press\/\s+http:\/\/127.0.0.1:3000\s+Operator,Admin\s+any/,
    )
    expect((await run('app', 'set', 'press', '--rule', '/press/x/')).code).toBe(2)
    expect((await run('app', 'set', 'press', '--roles', 'Boss')).stderr).toContain('Roles are')
  })

  const nginxSays = async (...apps: string[]): Promise<string> => {
    const site = join(dir.path, 'site.conf')
    await writeFile(site, (await run('proxy-config', 'nginx', ...apps)).stdout)
    await writeFile(join(dir.path, 'nginx.conf'), `pid ${dir.path}/pid; events {} http { include ${site}; }`)
    return (await runProgram('nginx', ['-t', '-e', 'stderr', '-c', join(dir.path, 'nginx.conf')])).stderr
  }

  test('what proxy-config prints is a configuration that nginx and Caddy take', async () => {
    await makeCertificate(join(dir.path, 'pki'))
    expect(await nginxSays('--app', 'press')).toContain('test is successful')

    const caddyfile = join(dir.path, 'Caddyfile')
    await writeFile(caddyfile, (await run('proxy-config', 'caddy')).stdout)
    const home = { HOME: dir.path, XDG_DATA_HOME: dir.path, XDG_CONFIG_HOME: dir.path }
    const caddy = await runProgram('caddy', ['validate', '--adapter', 'caddyfile', '--config', caddyfile], {
      env: home,
    })
    expect(caddy.stdout + caddy.stderr).toContain('Valid configuration')

    expect((await run('proxy-config', 'apache')).code).toBe(2)
    expect((await run('proxy-config', 'nginx', '--app', 'nobody')).stderr).toContain(
      'edgeward app set nobody',
    )
  })

  test('proxy-check says when there is nothing to check, or nobody there', async () => {
    expect((await run('proxy-check', 'box')).code).toBe(2)
    expect((await run('proxy-check', 'http://127.0.0.1:9', '--path', '/press/')).code).toBe(5)
    expect((await run('app', 'unset', 'press')).code).toBe(0)
    expect(await nginxSays()).toContain('test is successful')
    expect((await run('proxy-check', 'http://127.0.0.1:9')).stderr).toContain('the guard knows no app')
  })
})
