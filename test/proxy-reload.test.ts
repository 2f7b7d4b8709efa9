import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

const names = ['edgeward-proxy-reload.path', 'edgeward-proxy-reload.service'] as const
const place = (name: string) => fileURLToPath(new URL(`../packaging/proxy/${name}`, import.meta.url))

describeWith(['systemd-analyze'], 'the units that let a proxy read its certificate again', () => {
  test.each(names)('%s is accepted by systemd-analyze verify without a word', async (name) => {
    await using dir = await tempDir()
    const folder = join(dir.path, 'etc/systemd/system')
    await mkdir(folder, { recursive: true })
    await mkdir(join(dir.path, 'bin'), { recursive: true })
    await writeFile(join(dir.path, 'bin/sh'), '#!/bin/sh\n', { mode: 0o755 })
    for (const each of names) await cp(place(each), join(folder, each))
    await cp('/lib/systemd/system', join(dir.path, 'lib/systemd/system'), { recursive: true })
    const said = await runProgram('systemd-analyze', [`--root=${dir.path}`, 'verify', name])
    expect(`${said.stdout}${said.stderr}`).not.toContain('edgeward-proxy-reload')
    expect(said.code, said.stderr).toBe(0)
  })
})

test.each([
  ['active', 'reload nginx\n'],
  ['failed', 'restart nginx\n'],
  ['inactive', ''],
])('a proxy that is %s is told: %s', async (state, told) => {
  await using dir = await tempDir()
  const unit = await readFile(place('edgeward-proxy-reload.service'), 'utf8')
  const [, script = ''] = /^ExecStart=\/bin\/sh -c '([^']+)'$/m.exec(unit.replaceAll('\\\n', '')) ?? []
  const out = join(dir.path, 'told')
  // A service manager that knows nginx alone.
  await writeFile(
    join(dir.path, 'systemctl'),
    `#!/bin/sh\ncase "$*" in\n"is-${state} --quiet nginx") ;;\nis-*) exit 3 ;;\n*) echo "$*" >> ${out} ;;\nesac\n`,
    { mode: 0o755 },
  )
  const { code } = await runProgram('/bin/sh', ['-c', script.replaceAll('$$', '$')], {
    env: { PATH: `${dir.path}:/usr/bin:/bin` },
  })
  expect(code).toBe(0)
  expect(await readFile(out, 'utf8').catch(() => '')).toBe(told)
})
