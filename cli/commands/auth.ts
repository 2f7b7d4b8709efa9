import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { print } from '../output.ts'

interface Rotated {
  /** Of the key that signs from now on. */
  kid: string
  published: string[]
}

export function authCommands(program: Command): void {
  const auth = program.command('auth').description('the authority of this box: the keys that sign its tokens')
  auth
    .command('rotate-keys')
    .description('let the next key sign; tokens of the one before stay good until their end')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const rotated = await context.operate<Rotated>('auth.rotateKeys')
      const { kid, published } = rotated
      print(
        context.json,
        rotated,
        `signing with   ${kid}\npublished      ${published.join('\n               ')}`,
      )
    })
}
