import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import Database from 'better-sqlite3'
import { freePort, tempDir } from '../test/harness.ts'
import { until } from './measure.ts'
import { end } from './server-process.ts'

/** glewlwyd as Debian ships it, on SQLite, with one app that may introspect. */
export interface Glewlwyd extends AsyncDisposable {
  readonly pid: number
  readonly url: string
}

const shipped = '/etc/glewlwyd/glewlwyd.conf'
const schema = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz'

export async function startGlewlwyd(app: { id: string; secret: string }): Promise<Glewlwyd> {
  await using held = new AsyncDisposableStack()
  const dir = held.use(await tempDir())
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/api`
  const file = await configure(dir.path, port)
  const child = spawn('glewlwyd', ['-c', file], { stdio: 'ignore' })
  held.defer(() => end(child))
  const administer = await signIn(url)
  await administer('/mod/plugin/', plugin(url))
  await administer('/client/?source=database', client(app))
  const all = held.move()
  return { pid: child.pid as number, url, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

async function configure(dir: string, port: number): Promise<string> {
  const database = new Database(join(dir, 'glewlwyd.db'))
  database.exec((await promisify(gunzip)(await readFile(schema))).toString())
  database.close()
  const file = join(dir, 'glewlwyd.conf')
  const settings = (await readFile(shipped, 'utf8'))
    .replace(/^port=.*$/m, `port=${port}`)
    .replace(/^external_url=.*$/m, `external_url="http://127.0.0.1:${port}/"`)
    .replace(/^log_level=.*$/m, 'log_level="ERROR"')
    .replace(/^log_file=.*$/m, `log_file="${join(dir, 'log')}"`)
    .replace(/^@include.*$/m, `database = { type = "sqlite3"; path = "${join(dir, 'glewlwyd.db')}"; };`)
  await writeFile(file, settings)
  return file
}

/** As the administrator that its schema makes. */
async function signIn(url: string) {
  let cookie = ''
  await until('glewlwyd signs in', async () => {
    const answer = await post(`${url}/auth/`, { username: 'admin', password: 'password' }).catch(
      () => undefined,
    )
    cookie = answer?.cookie ?? ''
    return answer?.status === 200
  })
  return async (path: string, document: object): Promise<void> => {
    const { status } = await post(url + path, document, { cookie })
    if (status !== 200) throw new Error(`glewlwyd answered ${status} to ${path}`)
  }
}

function post(url: string, document: object, headers: Record<string, string> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; cookie: string }>()
  const options = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }
  const asking = request(url, options, (answer) => {
    answer.resume()
    const [cookie = ''] = answer.headers['set-cookie'] ?? []
    resolve({ status: answer.statusCode ?? 0, cookie: cookie.split(';')[0] as string })
  })
  asking.once('error', reject)
  asking.end(JSON.stringify(document))
  return promise
}

function plugin(url: string): object {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    ...{ module: 'oidc', name: 'oidc', display_name: 'oidc' },
    parameters: {
      ...{ iss: `${url}/oidc`, 'jwt-type': 'ecdsa', 'jwt-key-size': '256', 'allow-non-oidc': true },
      key: privateKey.export({ type: 'sec1', format: 'pem' }),
      cert: publicKey.export({ type: 'spki', format: 'pem' }),
      ...{ 'access-token-duration': 3600, 'refresh-token-duration': 1_209_600, 'code-duration': 600 },
      ...{ 'refresh-token-rolling': true, 'auth-type-client-enabled': true, 'auth-type-code-enabled': true },
      ...{ 'introspection-revocation-allowed': true, 'introspection-revocation-allow-target-client': true },
      ...{ 'introspection-revocation-auth-scope': [], scope: [] },
    },
  }
}

const client = ({ id, secret }: { id: string; secret: string }): object => ({
  ...{ client_id: id, name: id, confidential: true, enabled: true, scope: ['openid'] },
  ...{ password: secret, client_secret: secret, authorization_type: ['client_credentials'] },
  ...{ token_endpoint_auth_method: ['client_secret_basic'], redirect_uri: ['http://127.0.0.1/'] },
})
