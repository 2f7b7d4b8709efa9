import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { print } from '../output.ts'

/** For commands that have nothing to show but that it was done. */
export async function change(
  command: Command,
  operation: string,
  params: object,
  said: string,
): Promise<void> {
  const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
  const result = await context.operate(operation, params)
  print(context.json, result ?? {}, said)
}

/** For options that may be repeated. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]
