import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram, tempDir } from './harness.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs the repository's own rules over a small tree. */
async function check(files: Record<string, string>) {
  await using dir = await tempDir()
  for (const name of ['.dependency-cruiser.js', 'tsconfig.json', 'package.json'])
    await cp(join(root, name), join(dir.path, name))
  await symlink(join(root, 'node_modules'), join(dir.path, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir.path, name)), { recursive: true })
    await writeFile(join(dir.path, name), text)
  }
  const script = `cd ${dir.path} && ${join(root, 'node_modules/.bin/depcruise')} --config .dependency-cruiser.js --output-type err .`
  return await runProgram('sh', ['-c', script])
}

const tree = {
  'core/clock.ts': 'export const now = 1\n',
  'protocol/ack.ts': "import { now } from '../core/clock.ts'\nexport const ack = now\n",
  'agent/outbox.ts': 'export const outbox = 1\n',
  'agent/index.ts': "import { outbox } from './outbox.ts'\nexport const agent = outbox\n",
  'broker/index.ts': "import { now } from '../core/clock.ts'\nexport const broker = now\n",
  'main.ts': "import { agent } from './agent/index.ts'\nexport const main = agent\n",
  'cli/index.ts': "import { main } from '../main.ts'\nexport const cli = main\n",
}

test('a tree that keeps the rules passes', async () => {
  const { code, stdout, stderr } = await check(tree)
  expect(code, stdout + stderr).toBe(0)
})

const planted: [name: string, rule: string, file: string, text: string][] = [
  [
    'a module imports another',
    'broker-imports-downwards-only',
    'broker/index.ts',
    "import '../agent/index.ts'\n",
  ],
  ['a module imports main', 'agent-imports-downwards-only', 'agent/index.ts', "import '../main.ts'\n"],
  ['core imports the protocol', 'core-knows-nobody', 'core/clock.ts', "import '../protocol/ack.ts'\n"],
  [
    'the protocol imports a module',
    'protocol-knows-only-core',
    'protocol/ack.ts',
    "import '../agent/index.ts'\n",
  ],
  ['main reaches behind a face', 'agent-only-through-its-face', 'main.ts', "import './agent/outbox.ts'\n"],
  ['a module uses node-forge', 'forge-stays-in-certs', 'broker/index.ts', "import 'node-forge'\n"],
  [
    'a module imports the command line',
    'nobody-imports-the-command-line',
    'agent/index.ts',
    "import '../cli/index.ts'\n",
  ],
]

test.each(planted)('the check fails when %s', async (_name, rule, file, text) => {
  const { code, stdout, stderr } = await check({ ...tree, [file]: text })
  expect(code).not.toBe(0)
  expect(stdout + stderr).toContain(rule)
})
