import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { runProgram } from '../../test/harness.ts'
import { describeWith } from '../../test/peers.ts'
import { openPrivateTokens } from './index.ts'

const press = { clientId: 'press', since: 1 }

describeWith(['mount', 'umount'], 'private tokens on a disk that fills up', () => {
  test('what was kept stays, what does not fit is refused, and there is room again once some is removed', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'kv-full-'))
    onTestFinished(() => rm(parent, { recursive: true }))
    const dir = join(parent, 'disk')
    await mkdir(dir)
    const mounted = await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir])
    expect(mounted.stderr).toBe('')
    onTestFinished(async () => void (await runProgram('umount', [dir])))
    const log = createLog('silent')
    const kv = await openPrivateTokens(
      { clock: systemClock, random: systemRandom, log },
      { dir, quota: 100_000_000, maxValueBytes: 2_000_000 },
    )
    onTestFinished(() => kv[Symbol.asyncDispose]())
    const put = async (key: string) => {
      await using upload = await kv.upload(press)
      await upload.write(key.repeat(1_000_000))
      await upload.commit({ relatedId: 'r', key }, 'put', {})
    }
    const get = async (key: string) => {
      const token = await kv.open(press, { relatedId: 'r', key })
      const value = token && (await Array.fromAsync(token.value())).join('')
      token?.close()
      return value
    }

    const kept: string[] = []
    let refused: { code?: string; statusCode?: number } | undefined
    for (const key of 'abcdefghijklmnop') {
      try {
        await put(key)
        kept.push(key)
      } catch (error) {
        refused = error as typeof refused
        break
      }
    }
    expect(refused).toMatchObject({ code: 'disk_full', statusCode: 507 })
    expect(kept.length).toBeGreaterThan(1)
    for (const key of kept) expect(await get(key)).toBe(key.repeat(1_000_000))
    expect(await kv.usage()).toMatchObject([{ tokens: kept.length }])
    expect(await kv.remove(press, 'r', kept[0])).toBe(1)
    expect(await kv.remove(press, 'r', kept[1])).toBe(1)
    await writeFile(join(dir, 'of somebody else'), Buffer.alloc(24_000_000)).catch(() => {}) // to the last byte
    await expect(put('y')).rejects.toMatchObject({ code: 'disk_full' })
    expect(await get(kept[2] as string)).toBe((kept[2] as string).repeat(1_000_000))
    await rm(join(dir, 'of somebody else'))
    await expect.poll(() => put('z').then(() => 'kept', String), { timeout: 15_000 }).toBe('kept')
    expect(await get('z')).toBe('z'.repeat(1_000_000))
  })
})
