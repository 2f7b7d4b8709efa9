import { afterAll, beforeAll, expect, test } from 'vitest'
import { casesFor } from '../../cli/proxy-check/cases.ts'
import { send } from '../../cli/proxy-check/raw.ts'
import { edgeward } from '../harness.ts'
import { describeWith } from '../peers.ts'
import { startNginx } from '../proxies.ts'
import { type Box, openBox, press, verifyPath } from './boxed.ts'

const ambiguous = [
  ...[
    '/press/../x',
    '/press/./x',
    '/press/x/..',
    '/press/%2e%2e/x',
    '/press/%2E',
    '/press/.%2e/x',
    '/press/..',
  ],
  ...[
    '/press%2fx',
    '/press%2Fx',
    '//press/',
    '/press//x',
    '/press/;x=1',
    '/press;x',
    '/press/..;/x',
    '/press/x;',
  ],
  ...['/press/#x', '/press/x#', '/press/%23', '/press/%3f', '/press/%3bx', '/press/%00', '/press/%00.css'],
  ...['/press/%0a', '/press/%0d%0a', '/press/%7f', '/press/%c2%85', '/press/%5cx', '/press\\x', '/\\press/'],
  ...[
    '/%c0%afpress/',
    '/press/%c0%ae%c0%ae/',
    '/press/%e0%80%ae/',
    '/press/%ff',
    '/press/%ed%a0%80',
    '/press/%f8%88%80%80%ae',
  ],
  ...[
    '/%70ress/',
    '/press/%41',
    '/press/%7E',
    '/press/%2d',
    '/press/%',
    '/press/%2',
    '/press/%zz',
    '/press/%u002e',
  ],
  ...[
    '/press/%25',
    '/press/%252e%252e/',
    '/press/%25c0',
    '/press./',
    '/press/x.',
    '/press/...',
    '/press/x./y',
  ],
  ...[
    '/%ef%bc%8fpress/',
    '/press/%ef%bc%8e%ef%bc%8e/',
    '/press/%e2%80%ae',
    '/press/%ef%bb%bf',
    '/press/%ef%bc%85',
  ],
  ...['http://127.0.0.1/press/', 'press/', '', '*', '/press/ x', '/press/\tx', '/pr\u00e9ss/'],
]

describeWith(['nginx', 'caddy'], 'X10: a target that can be read in two ways is let in nowhere', () => {
  let box: Box
  beforeAll(async () => {
    box = await openBox()
    await box.gateway.operate('app.set', {
      ...{ name: 'press', rules: [{ path: '/press/settings/', methods: [], roles: ['Admin'] }] },
    })
  })
  afterAll(() => box[Symbol.asyncDispose]())

  const decide = async (token: string, uri: string): Promise<number> => {
    const headers = { cookie: `access_token=${token}`, 'x-original-uri': uri, 'x-original-method': 'GET' }
    return (await box.askAsProxy(verifyPath, { headers })).status
  }

  test('the guard decides about no such target, whoever asks', async () => {
    const token = await box.token('ada')
    for (const uri of ambiguous) {
      expect(await decide(token, uri), uri).toBe(403)
      expect(await decide('none', uri), uri).not.toBe(200)
    }
  })

  test('rules look at the path alone, and at no letter’s case', async () => {
    const [ann, ada] = [await box.token('ann'), await box.token('ada')]
    for (const uri of [
      '/press/settings',
      '/press/settings/x',
      '/PRESS/Settings/',
      '/press/SETTINGS?/press/andon/',
      '/press/%C5%BFettings/',
    ])
      expect(
        [await decide(ann, uri), await decide(ada, uri)].map((status) => status !== 200),
        uri,
      ).toEqual([
        true,
        uri !== '/press/settings' && uri !== '/press/settings/x', // case never opens: ada is no Operator
      ])
    for (const uri of [
      '/press/',
      '/press',
      '/press/x?a=/press/settings/',
      '/press/x?..%2f;%00',
      '/press/caf%C3%A9',
    ])
      expect(await decide(ann, uri), uri).toBe(200)
    expect(await decide('none', '/press/x?/press/andon/')).toBe(401)
    expect(await decide('none', '/press/ANDON/')).toBe(401)
  })

  test('behind a proxy none reaches a part that is closed, even for who is signed in', async () => {
    const cookie = ['Cookie', `access_token=${await box.token('ann')}`] as const
    const cases = casesFor({ path: '/press/settings/', public: [] }).filter(({ name }) =>
      name.startsWith('path:'),
    )
    for (const { name, url } of box.proxies)
      for (const probe of [...cases, { name: 'x', target: '/press/x/..;/settings/' }]) {
        const before = box.echo.seen.length
        const reply = await send(new URL(url), { ...probe, headers: [cookie] })
        const reached = box.echo.seen.slice(before).map(({ target }) => target)
        // What does get through is another resource for every reader.
        for (const target of reached)
          expect(target, `${name} ${probe.target}`).toMatch(/^\/press\/(?!.*settings)/)
        if (reached.length === 0) expect(reply?.status ?? 0, `${name} ${probe.target}`).not.toBe(200)
      }
  })

  test('edgeward proxy-check finds both proxies closed', async () => {
    for (const { url } of box.proxies) {
      const { code, stdout } = await edgeward(['proxy-check', url, '--json', '--state-dir', box.stateDir])
      expect(JSON.parse(stdout)).toMatchObject({ bypasses: 0, unclear: 0 })
      expect(code).toBe(0)
    }
  })

  test('and says which way is open where somebody has opened one', async () => {
    await using held = new AsyncDisposableStack()
    const { text } = await box.gateway.operate<{ text: string }>('proxy.config', { proxy: 'nginx' })
    const beside = `location /PRESS/ { proxy_pass http://edgeward_app_press; }\n    location / {`
    const { url } = await startNginx(held, box.stateDir, text.replace('location / {', beside))
    const { code, stdout } = await edgeward(['proxy-check', url, '--path', press.path])
    expect(code).toBe(1)
    expect(stdout).toMatch(/bypass\s+\/press\/\s+path: upper case\s+200/)
    expect(stdout).toMatch(/1 of \d+ ways are not closed/)
  })
})
