import { Command } from 'commander'
import { expect, test } from 'vitest'
import { groups, groupsFor } from './groups.ts'

test('each file brings the commands by whose names it is loaded', async () => {
  for (const [names, load] of Object.entries(groups)) {
    const program = new Command()
    ;(await load())(program)
    expect(program.commands.map((command) => command.name()).join(' ')).toBe(names)
  }
})

test('one file is loaded for a command, and all where the whole is asked for or nothing that is known', () => {
  const all = Object.values(groups)
  expect(groupsFor(['run'])).toEqual([groups['run status']])
  expect(groupsFor(['--json', '--state-dir', 'hub', 'status', '--gaps'])).toEqual([groups['run status']])
  expect(groupsFor(['user', 'list'])).toEqual([groups.user])
  expect(groupsFor(['-V'])).toEqual([])
  for (const argv of [[], ['--help'], ['help', 'run'], ['manual'], ['completion', 'bash'], ['rnu']])
    expect(groupsFor(argv)).toEqual(all)
})
