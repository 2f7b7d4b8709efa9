import type { Clock } from '../../core/clock.ts'
import { startingMachine } from './machine.ts'
import { arrivedStrokes, type DemoGateway, type DemoHub, signIn, startGateway, startHub } from './scenario.ts'
import { verifyChain } from './verify.ts'

export async function runOnce(dir: string, clock: Clock, say: (line: string) => void): Promise<void> {
  const report = await verifyChain(dir, clock, say)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  if (!report.ok) process.exitCode = 1
}

export async function stayUp(
  dir: string,
  clock: Clock,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await using held = new AsyncDisposableStack()
  say('Starting a hub and a gateway …')
  const starting = held.use(startingMachine(dir, clock))
  const hub = held.use(await startHub(dir))
  say(`  hub      ${hub.child.addresses.http}, MQTT ${hub.child.addresses.mqtt}, tenant ${hub.tenant}`)
  const gateway = held.use(await startGateway(dir, hub, 'RSA_3072', starting.ready, clock))
  say(`  gateway  onboarded as agent ${gateway.agentId}; its private key was made here and stays here`)
  const session = await signIn(gateway)
  const { active, sub } = await session.introspect()
  say(`  user     ${sub} signed in; an app that asks is told: ${active ? 'active' : 'inactive'}`)
  const machine = await starting.ready
  const panel = machine.opcua === undefined ? 'OPC UA left out: node-opcua is not installed' : machine.opcua
  say(`  press    Modbus ${machine.modbus}, ${panel}`)
  say(`\n${invitation(gateway, dir)}\n`)
  say('The press publishes 5 measurements a second. Ctrl-C ends everything and removes its files.\n')
  while (!signal.aborted) {
    for (let round = 0; round < 25 && !signal.aborted; round++) {
      void gateway.app.press.publish(1).catch(() => {}) // ends unheard when the demo does
      await clock.sleep(200).catch(() => {}) // the loop looks at the signal
    }
    if (!signal.aborted) say(await tick(hub, gateway))
  }
  say('Stopping …')
}

async function tick(hub: DemoHub, { agentId, app }: DemoGateway): Promise<string> {
  const acknowledged = [...app.press.acknowledged]
  const arrived = new Set(await arrivedStrokes(hub, agentId))
  const missing = acknowledged.filter((value) => !arrived.has(value)).length
  const time = new Date().toISOString().slice(11, 19)
  return `${time}  ${acknowledged.length} measurements acknowledged to the app, ${arrived.size} at the hub, ${missing} on their way`
}

const invitation = ({ child, agentId, app, user }: DemoGateway, dir: string): string => `Try it:
  state of the gateway     npx edgeward status --state-dir ${dir}/rsa_3072
  what the press says      npx edgeward source watch --state-dir ${dir}/rsa_3072
  what arrived at the hub  npx edgeward hub data --state-dir ${dir}/hub --agent ${agentId} --point press-temperature
  sign in with a browser   ${child.addresses.auth}/device/edge/auth/login
                           ${user.name} / ${user.password}
  ask who a token is       curl -u ${app.id}:${app.secret} -d token=TOKEN ${child.addresses.auth}/device/edge/auth/oauth2/introspect
  publish as the app       mosquitto_pub -h 127.0.0.1 -p ${new URL(child.addresses.mqtt).port} -u ${app.id} -P ${app.secret} -t apps/${app.id}/measurements -m '{"strokes":1,"temperature":40.5,"running":true}'`
