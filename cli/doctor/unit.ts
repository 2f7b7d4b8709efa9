import { execFile } from 'node:child_process'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'

const unit = 'edgeward.service'
const properties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'NRestarts',
  'Result',
  'ExecMainStatus',
  'NeedDaemonReload',
  'StateDirectory',
  'ExecStart',
] as const
type Properties = Partial<Record<(typeof properties)[number], string>>

/** What systemd says of the unit, where it runs and the unit keeps this state. */
export function unitCheck(stateDir: string): Check {
  return {
    id: 'unit',
    title: 'unit of systemd',
    async run(signal) {
      const shown = await show(signal)
      return typeof shown === 'string' ? skipped(shown) : describeUnit(shown, stateDir)
    },
  }
}

/** systemd answers at once, or is itself in trouble. */
const patienceMs = 2_500

/** Why not, in words, when it cannot be asked. */
function show(signal: AbortSignal): Promise<Properties | string> {
  const { promise, resolve } = Promise.withResolvers<Properties | string>()
  const args = ['show', unit, `--property=${properties.join(',')}`]
  execFile('systemctl', args, { signal, timeout: patienceMs, killSignal: 'SIGKILL' }, (error, stdout) => {
    if (!error) return resolve(parseProperties(stdout))
    if (error.code === 'ENOENT') return resolve('there is no systemd here')
    if (error.killed) return resolve(`systemctl did not answer within ${patienceMs / 1000} s`)
    const [line = ''] = error.message.split('\n').slice(1)
    resolve(`systemctl does not tell: ${line}`)
  })
  return promise
}

const parseProperties = (text: string): Properties =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** One that has come up again so often does not just have had a bad moment. */
const manyRestarts = 5

export function describeUnit(shown: Properties, stateDir: string): Finding {
  const { LoadState, ActiveState, SubState, UnitFileState = '', Result, ExecMainStatus } = shown
  const restarts = Number(shown.NRestarts ?? 0)
  const facts = { ActiveState, SubState, UnitFileState, restarts, Result, ExecMainStatus }
  if (LoadState === 'masked')
    return failed(`${unit} is masked, so it never starts`, `Run "systemctl unmask ${unit}".`, facts)
  if (LoadState !== 'loaded') return skipped(`systemd has no ${unit} (${LoadState ?? 'it does not say'})`)
  if (!keeps(shown, stateDir)) return skipped(`${unit} keeps another state than ${stateDir}`)

  const last = `result ${Result}, status ${ExecMainStatus}`
  const seeLog = 'See why it ends: "journalctl -u edgeward -e".'
  if (ActiveState === 'failed')
    return failed(`${unit} has failed (${last})`, `${seeLog} Then "systemctl restart edgeward".`, facts)
  if (SubState === 'auto-restart')
    return failed(`${unit} ends again and again: ${restarts} restarts, ${last}`, seeLog, facts)
  if (!['enabled', 'enabled-runtime', 'static', 'alias', 'generated'].includes(UnitFileState))
    return warning(
      `${unit} is ${UnitFileState || 'not enabled'}: it does not start with the box`,
      'Run "systemctl enable edgeward".',
      facts,
    )
  if (restarts >= manyRestarts)
    return warning(`${unit} was restarted ${restarts} times since it was started`, seeLog, facts)
  if (shown.NeedDaemonReload === 'yes')
    return warning(
      `the file of ${unit} has changed since systemd read it`,
      'Run "systemctl daemon-reload", then "systemctl restart edgeward".',
      facts,
    )
  return ok(`${unit} is ${ActiveState} and ${UnitFileState}`, facts)
}

function keeps({ StateDirectory, ExecStart = '' }: Properties, stateDir: string): boolean {
  const named = /--state-dir[= ]([^\s;]+)/.exec(ExecStart)?.[1]
  return (named ?? (StateDirectory && `/var/lib/${StateDirectory}`)) === stateDir
}
