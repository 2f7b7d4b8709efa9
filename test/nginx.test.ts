import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { describeBehind } from './behind-proxy.ts'
import { createBrowser } from './browser.ts'
import { startEdgeAuth } from './edge-auth.ts'
import { describeWith } from './peers.ts'
import { makeCertificate, startNginx } from './proxies.ts'

describeBehind('nginx', startNginx)

describeWith(['nginx'], 'the example app behind nginx', () => {
  test('greets who has signed in, and asks us again each time', async () => {
    await using held = new AsyncDisposableStack()
    const edge = held.use(await startEdgeAuth())
    await edge.addUser('ann', 'Operator')
    const ca = await makeCertificate(edge.dir)
    const upstream = await startExample(held, edge)
    await edge.run('app.set', { name: 'example', path: '/example/', upstream })
    const { text } = (await edge.run('proxy.config', { proxy: 'nginx' })) as { text: string }
    const { url } = await startNginx(held, edge.dir, text)

    const browser = createBrowser(url, ca)
    await browser.signIn('/device/edge/auth/login')
    const page = await browser.get('/example/page?tab=2&x=1')
    expect(page.text).toBe('Hello ann, you are Operator. This is /example/page?tab=2&x=1\n')
    expect((await browser.get('/example/settings')).text).toBe('For Admins only.\n')
  })
})

async function startExample(
  held: AsyncDisposableStack,
  edge: Awaited<ReturnType<typeof startEdgeAuth>>,
): Promise<string> {
  const credentials = join(edge.dir, 'credentials.json')
  await writeFile(
    credentials,
    JSON.stringify(await edge.run('app.add', { name: 'example', version: '1.0.0' })),
  )
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../examples/edge-app/app.mjs', import.meta.url))],
    {
      env: {
        ...{ PORT: '0', CREDENTIALS: credentials },
        INTROSPECT_URL: `${edge.url}/device/edge/auth/oauth2/introspect`,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  held.defer(async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const [line] = await once(child.stdout, 'data')
  return String(line).trim()
}
