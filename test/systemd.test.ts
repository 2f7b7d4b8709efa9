import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

const unit = fileURLToPath(new URL('../systemd/edgeward.service', import.meta.url))

describeWith(['systemd-analyze'], 'the systemd unit', () => {
  test('is accepted by systemd-analyze verify without a word', async () => {
    await using dir = await tempDir()
    // Verified where it would be installed, beside the programs that it starts.
    const folder = join(dir.path, 'etc/systemd/system')
    await mkdir(folder, { recursive: true })
    await mkdir(join(dir.path, 'usr/bin'), { recursive: true })
    await mkdir(join(dir.path, 'bin'), { recursive: true })
    for (const program of ['usr/bin/edgeward', 'bin/sh'])
      await writeFile(join(dir.path, program), '#!/bin/sh\n', { mode: 0o755 })
    await cp(unit, join(folder, 'edgeward.service'))
    await cp('/lib/systemd/system', join(dir.path, 'lib/systemd/system'), { recursive: true })
    const { code, stdout, stderr } = await runProgram('systemd-analyze', [
      `--root=${dir.path}`,
      'verify',
      'edgeward.service',
    ])
    expect(`${stdout}${stderr}`).not.toContain('edgeward.service')
    expect(code, stderr).toBe(0)
  })

  test('is sandboxed to an exposure of at most 2.5', async () => {
    const { code, stdout } = await runProgram('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=25',
      unit,
    ])
    expect(code, stdout).toBe(0)
  })
})
