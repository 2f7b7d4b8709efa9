import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

const folder = fileURLToPath(new URL('../systemd/', import.meta.url))
const units = await readdir(folder)
const services = units.filter((unit) => unit.endsWith('.service'))
const programs = ['usr/bin/edgeward', 'usr/lib/edgeward/release-guard', 'bin/sh']

describeWith(['systemd-analyze'], 'the systemd units', () => {
  test('are those that are documented', () => {
    expect(units.toSorted()).toEqual([
      ...['edgeward-backup.service', 'edgeward-backup.timer'],
      ...['edgeward-hub.service', 'edgeward.service'],
    ])
  })

  test('are accepted by systemd-analyze verify without a word', async () => {
    await using dir = await tempDir()
    // Verified where they would be installed, beside the programs that they start.
    const installed = join(dir.path, 'etc/systemd/system')
    for (const program of programs) {
      await mkdir(join(dir.path, program, '..'), { recursive: true })
      await writeFile(join(dir.path, program), '#!/bin/sh\n', { mode: 0o755 })
    }
    await cp(folder, installed, { recursive: true })
    await cp('/lib/systemd/system', join(dir.path, 'lib/systemd/system'), { recursive: true })
    const { code, stdout, stderr } = await runProgram('systemd-analyze', [
      ...[`--root=${dir.path}`, '--man=no', 'verify'],
      ...units,
    ])
    expect(`${stdout}${stderr}`).not.toContain('edgeward')
    expect(code, stderr).toBe(0)
  })

  test.each(services)('%s is sandboxed to an exposure of at most 2.5', async (service) => {
    const { code, stdout } = await runProgram('systemd-analyze', [
      ...['security', '--offline=true', '--threshold=25'],
      join(folder, service),
    ])
    expect(code, stdout).toBe(0)
  })
})
