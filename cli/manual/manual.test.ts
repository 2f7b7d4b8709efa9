import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Command, Option } from 'commander'
import { expect, test } from 'vitest'
import { completion, manPage, wordsOf } from './index.ts'

const run = promisify(execFile)

const program = () => {
  const edgeward = new Command('edgeward')
    .description('Guards\nthe edge.')
    .option('--config <file>', 'configuration')
    .option('--json', 'as JSON')
  const user = edgeward.command('user').description('users of this box')
  user.command('add <name>').description('add a user').option('--role <role>', 'a role')
  user.command('list').description("what a user's name is")
  edgeward
    .command('read')
    .description('.dots and \\ at the start')
    .addOption(new Option('-t, --table <name>', 'which').choices(['coil', 'input']))
  return wordsOf(edgeward)
}

/** What bash offers for the last of the words. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `${completion('bash', program())}
compopt() { :; }
COMP_WORDS=(edgeward "$@"); COMP_CWORD=$#; _edgeward; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['-c', script, 'bash', ...words], { cwd: import.meta.dirname })
  return stdout.trim().split('\n').sort()
}

test('bash completes commands, what is below them, and options', async () => {
  expect(await offered('')).toEqual(['read', 'user'])
  expect(await offered('user', '')).toEqual(['add', 'list'])
  expect(await offered('user', 'a')).toEqual(['add'])
  expect(await offered('user', 'add', '--')).toEqual(['--config', '--help', '--json', '--role'])
})

test('the value of an option is no command', async () => {
  expect(await offered('--config', 'user', '')).toEqual(['read', 'user'])
  expect(await offered('user', 'add', '--role', 'list', '--ro')).toEqual(['--role'])
})

test('values are completed from the few that there are, else as files', async () => {
  expect(await offered('read', '--table', '')).toEqual(['coil', 'input'])
  expect(await offered('read', '-t', 'c')).toEqual(['coil'])
  expect(await offered('--config', 'man-')).toEqual(['man-page.ts'])
})

test('the page of the manual has every command and option, and no text of ours is a request', () => {
  const page = manPage(program(), { release: '1.2.3', date: '2026-11-22' })
  expect(page).toContain('.TH EDGEWARD 1 "2026\\-11\\-22" "edgeward 1.2.3" "User Commands"\n')
  expect(page).toContain(
    '.SS "edgeward user add [options] <name>"\nAdd a user.\n.TP\n.B \\-\\-role <role>\nA role.\n',
  )
  expect(page).toContain('\\&.dots and \\e at the start.\n')
  expect(page).not.toContain('.SS "edgeward user [')
})

test('what zsh and fish read has quotes in their places', () => {
  expect(completion('zsh', program())).toContain(`'list:what a user'\\''s name is'`)
  expect(completion('fish', program())).toContain(
    `complete -c edgeward -f -n '__edgeward_at '\\'' user'\\''' -a list -d 'what a user'\\''s name is'`,
  )
})
