import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { checkProxy } from './check.ts'

const app = { path: '/press/', public: ['/press/andon/'] }

/** Stands in for a proxy with one fault; everything else is sent to the login page. */
async function findings(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const found = await checkProxy(url, [app], 'nowhere')
    return found
      .filter(({ verdict }) => verdict !== 'closed')
      .map(({ name, verdict }) => `${verdict}: ${name}`)
  } finally {
    server.close().closeAllConnections()
  }
}

const toLogin: RequestListener = (_request, answer) =>
  void answer.writeHead(302, { location: '/device/edge/auth/login?rd=%2Fpress%2F' }).end()
const letIn: RequestListener = (_request, answer) => void answer.end('the app')
/** Whom the fault lets in. */
const faulty =
  (fault: (...asked: Parameters<RequestListener>) => boolean): RequestListener =>
  (request, answer) =>
    (fault(request, answer) ? letIn : toLogin)(request, answer)

test('a proxy that sends everybody to the login page is closed', async () => {
  expect(await findings(toLogin)).toEqual([])
})

test.each([
  ['looks for the path as it is written', ({ url }) => url === '/PRESS/', ['bypass: path: upper case']],
  ['believes a header', ({ headers }) => 'x-original-url' in headers, ['bypass: header: X-Original-Url']],
  [
    'believes another spelling of the identity',
    ({ headers }) => 'x_auth_user' in headers,
    ['bypass: header: X_Auth_User'],
  ],
  ['asks for some methods only', ({ method }) => method === 'TRACE', ['bypass: method: TRACE']],
  [
    'lets health checks pass',
    ({ headers }) => headers['user-agent']?.startsWith('kube-probe') === true,
    ['bypass: user agent: kube-probe/1.29'],
  ],
  [
    'resolves an encoded dot-dot behind the public path',
    ({ url }) => url === '/press/andon/%2e%2e/',
    ['bypass: public path: left by %2e%2e/'],
  ],
] satisfies [string, Parameters<typeof faulty>[0], string[]][])(
  'a proxy that %s is found out',
  async (_name, fault, found) => expect(await findings(faulty(fault))).toEqual(found),
)

test('a login page that leads to another site is found out', async () => {
  const listener: RequestListener = (request, answer) => {
    const rd = new URL(request.url as string, 'http://x').searchParams.get('rd') ?? ''
    if (rd.startsWith('//evil')) answer.writeHead(302, { location: rd }).end()
    else if (rd === 'user@evil.example') answer.end(`<a href="http://${rd}">go on</a>`)
    else toLogin(request, answer)
  }
  expect(await findings(listener)).toEqual([
    'bypass: redirect: "//evil.example"',
    'bypass: redirect: "user@evil.example"',
  ])
})

test('an answer from behind the proxy that fails is not taken for closed', async () => {
  const listener: RequestListener = (request, answer) =>
    request.url?.includes('..;') ? void answer.writeHead(502).end() : toLogin(request, answer)
  const found = await findings(listener)
  expect(found).toContain('unclear: path: path parameter on dot-dot')
})

test('one page for whatever is not there is not taken for the app', async () => {
  const listener: RequestListener = (request, answer) => {
    if (request.url === '/press/') toLogin(request, answer)
    else answer.end('start page')
  }
  const found = await findings(listener)
  expect(found).toEqual([])
})
