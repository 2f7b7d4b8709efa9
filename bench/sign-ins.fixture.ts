import { Agent, request } from 'node:http'
import { constants, setPriority } from 'node:os'
import { pause } from './measure.ts'

/**
 * Clients that sign in as fast as they are answered, until standard input ends; then prints how many were let
 * in. With the right password: who guesses is soon sent away before anything is hashed.
 * `node sign-ins.fixture.ts URL PASSWORD NAME…`, one client for each name.
 */
const [url, password, ...names] = process.argv.slice(2) as [string, string, ...string[]]

setPriority(constants.priority.PRIORITY_LOW)
const agent = new Agent({ keepAlive: true, maxSockets: names.length })
let stopped = false
let signedIn = 0

process.stdin.resume().once('end', () => {
  stopped = true
})
const isStopped = (): boolean => stopped

async function client(username: string): Promise<void> {
  while (!isStopped()) {
    if ((await signIn(username)) === 200) signedIn++
    else await pause(20) // sent away: a client waits before it tries again
  }
}

function signIn(username: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, agent }
  const asking = request(url, options, (answer) => {
    answer.resume()
    answer.once('end', () => resolve(answer.statusCode ?? 0))
  })
  asking.once('error', reject)
  asking.end(JSON.stringify({ username, password }))
  return promise
}

await Promise.all(names.map(client))
agent.destroy()
process.stdout.write(`${signedIn}\n`)
