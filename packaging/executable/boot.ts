import { Script } from 'node:vm'
import { fileInside } from '../../core/inside.ts'
import { scheme } from '../../core/program.ts'
import { openCodeCache } from './code-cache.ts'
import { giveBack, whenSettled } from './settling.ts'

/**
 * The first code in each thread of the executable. The program is in parts, scripts that hand on their
 * exports as CommonJS does; a part is loaded when it is asked for, with its compiled code where an earlier
 * start has left it.
 */
type Part = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void

const commandLine = '/packaging/executable/entry.ts'

/** The main thread: the command line, or the file that `forkOwn` has started this process for. */
export function start(): void {
  process.noDeprecation = true // what Node is going to give up is for who builds this, not for who runs it
  const [, , name] = process.argv
  const isForked = process.send !== undefined && name?.startsWith(scheme) === true
  load(isForked ? new URL(name).pathname : commandLine)
}

export function load(entry: string): void {
  const cache = openCodeCache()
  whenSettled(giveBack)
  const modules = new Map<string, { exports: object }>()

  function exportsOf(path: string): object {
    const known = modules.get(path)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(path, module)
    const run = compiled(path).runInThisContext() as Part
    const requireFrom = (name: string) =>
      name.startsWith('.') ? exportsOf(new URL(name, `${scheme}${path}`).pathname) : require(name)
    try {
      run(module.exports, requireFrom, module, process.execPath, '/')
    } catch (error) {
      modules.delete(path) // half of it is nobody's; an addon may find room later
      throw error
    }
    return module.exports
  }

  function compiled(path: string): Script {
    const cachedData = cache?.find(path)
    const script = new Script(fileInside(path).toString('latin1'), {
      filename: `${scheme}${path}`,
      ...(cachedData && { cachedData }),
    })
    cache?.loaded(path, script)
    return script
  }

  exportsOf(entry)
}
