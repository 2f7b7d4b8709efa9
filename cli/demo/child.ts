import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { callControl, controlSocket } from '../../core/control.ts'
import { ownCommand } from '../../core/program.ts'

export interface ChildOptions {
  /** `['run']` or `['hub']`. */
  command: readonly string[]
  stateDir: string
  /** Beside the environment of this process without its EDGEWARD_ variables. */
  env?: Record<string, string>
  /** What is run: this program, unless told. */
  program?: { file: string; args: readonly string[] }
}

/** A real `edgeward` process on its own state directory. */
export interface Child<A> extends AsyncDisposable {
  readonly process: ChildProcess
  /** What its ready line said. */
  readonly addresses: A
  /** What it logged so far. */
  log(): string
  operate<T>(operation: string, params?: object): Promise<T>
  /** Ends it and waits for its end: SIGTERM unless told. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Resolves when the process serves. Rejects with its log when it ends before. */
export async function startChild<A>(options: ChildOptions): Promise<Child<A>> {
  const { command, stateDir, env = {}, program: { file, args } = ownCommand() } = options
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EDGEWARD_'))
  const child = spawn(file, [...args, ...command, '--state-dir', stateDir], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C belongs to us; we end our children in order
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let log = ''
  child.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-1_000_000)
  })

  const ready = Promise.withResolvers<A>()
  createInterface({ input: child.stdout }).once('line', (line) => ready.resolve(JSON.parse(line) as A))
  child.once('error', ready.reject)
  child.once('exit', (code, signal) =>
    ready.reject(new Error(`edgeward ${command.join(' ')} ended with ${code ?? signal}\n${log}`)),
  )
  const addresses = await ready.promise

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    await exited
    process.off('exit', end)
  }
  return {
    process: child,
    addresses,
    log: () => log,
    async operate<T>(operation: string, params: object = {}) {
      const answer = await callControl(controlSocket({ runtimeDir: `${stateDir}/run` }), operation, params)
      if (!answer) throw new Error(`edgeward ${command.join(' ')} does not answer on its control socket`)
      return answer.result as T
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}
