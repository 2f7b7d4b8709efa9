import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { describeWith } from '../../test/peers.ts'
import { alarms, append, fillUp, open, readings, storedValues, temporaryDir } from './test-setting.ts'

/** What is done every second is done all the time. */
const hurried: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === 1_000 ? 50 : ms, signal),
}

describeWith(['mount', 'umount'], 'on a disk of its own', () => {
  async function disk(): Promise<string> {
    const dir = join(await temporaryDir(), 'disk')
    mkdirSync(dir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir])
    onTestFinished(() => void execFileSync('umount', ['-l', dir]))
    return dir
  }
  const remount = (dir: string, how: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${how}`, dir])

  test('a full disk without a ballast keeps nobody from starting: what is appended waits, and is kept in the end', async () => {
    const dir = await disk()
    {
      await using before = await open(dir)
      await append(before, readings(3))
    }
    rmSync(join(dir, 'outbox.db.ballast'))
    fillUp(join(dir, 'foreign'))
    const standing = alarms()
    await using outbox = await open(dir, {}, { alarms: standing, clock: hurried })
    expect(standing.standing()).toMatchObject([
      { code: expect.stringMatching(/^(disk_full|outbox_unwritable)$/) },
    ])
    const told = new Promise((resolve) => outbox.onPending(resolve))
    const appended = append(outbox, readings(2, 3))
    expect(await outbox.pending({ after: 0, limit: 10, maxBytes: 1 })).toEqual([])
    expect(await outbox.pendingGaps(10)).toBeUndefined()
    await expect(outbox.acknowledge('0000000000000000', [[1, 1]])).rejects.toMatchObject({
      code: 'outbox_unwritable',
      retryable: true,
    })
    await expect(outbox.setAside(join(dir, 'aside.db'))).rejects.toMatchObject({ retryable: true })
    expect(await outbox.stats()).toMatchObject({ takenIn: 0, sources: [{ source: 's', waiting: 2 }] })

    rmSync(join(dir, 'foreign'))
    await appended
    await told
    expect(await storedValues(outbox)).toEqual([0, 1, 2, 3, 4])
    expect(standing.standing().map(({ code }) => code)).not.toContain('outbox_unwritable')
  })

  test('what waits for a disk that is full is bounded; then producers are refused, and the end does not hang', async () => {
    const dir = await disk()
    fillUp(join(dir, 'foreign'))
    const outbox = await open(dir, {}, { clock: hurried })
    const appended = Array.from({ length: 80 }, () =>
      append(outbox, readings(5_000)).then(
        () => 'kept',
        ({ code, retryable }) => `${code} ${retryable}`,
      ),
    )
    expect(await Promise.race(appended.slice(-1))).toBe('outbox_busy true')
    await outbox[Symbol.asyncDispose]()
    expect(new Set(await Promise.all(appended))).toEqual(new Set(['outbox_busy true', 'outbox_full true']))
  })

  test('a full disk with a ballast: it is given up, and the outbox opens', async () => {
    const dir = await disk()
    {
      await using before = await open(dir, { ballastBytes: 1_000_000 })
      await append(before, readings(3))
    }
    fillUp(join(dir, 'foreign'))
    const standing = alarms()
    await using outbox = await open(dir, { ballastBytes: 1_000_000 }, { alarms: standing })
    await append(outbox, readings(2, 3))
    expect(await storedValues(outbox)).toEqual([0, 1, 2, 3, 4])
    expect(existsSync(join(dir, 'outbox.db.ballast'))).toBe(false)
    expect(standing.standing().map(({ code }) => code)).toEqual(['disk_full'])
  })

  test('a disk that cannot be written at start is waited for, and the alarm says why', async () => {
    const dir = await disk()
    {
      await using before = await open(dir)
      await append(before, readings(1))
    }
    remount(dir, 'ro')
    const standing = alarms()
    await using outbox = await open(dir, {}, { alarms: standing, clock: hurried })
    expect(standing.standing()).toMatchObject([
      { code: 'outbox_unwritable', message: expect.stringMatching(/cannot be opened: .*CANTOPEN/) },
    ])
    const appended = append(outbox, readings(1, 1))
    remount(dir, 'rw')
    await appended
    expect(await storedValues(outbox)).toEqual([0, 1])
    expect(standing.standing()).toEqual([])
  })

  test('under refuse_new a full disk drops nothing: telemetry is refused, and taken again once there is space', async () => {
    const dir = await disk()
    const clock = { ...systemClock, sleep: settling }
    await using outbox = await open(dir, { whenFull: 'refuse_new', ballastBytes: 500_000 }, { clock })
    await append(outbox, readings(3))
    fillUp(join(dir, 'foreign'))
    let accepted = 3
    let refusal: { code: string } | undefined
    while (refusal === undefined) {
      const given = texts(accepted)
      await append(outbox, given).then(
        () => {
          accepted += given.length
        },
        (error) => {
          refusal = error
        },
      )
    }
    expect(refusal).toMatchObject({ code: 'outbox_full', retryable: true })
    expect(await storedValues(outbox)).toHaveLength(accepted)
    expect((await outbox.stats()).lost).toEqual({})
    rmSync(join(dir, 'foreign'))
    const path = join(dir, 'outbox.db.ballast')
    await expect.poll(() => existsSync(path) && statSync(path).size, { timeout: 5_000 }).toBe(500_000)
    await append(outbox, readings(1, accepted))
    expect(await storedValues(outbox)).toHaveLength(accepted + 1)
  })
})

/** What is done every ten seconds is done all the time. */
const settling: Clock['sleep'] = (ms, signal) => systemClock.sleep(Math.min(ms, 300), signal)

const texts = (from: number) =>
  readings(50, from).map((reading) => ({ ...reading, value: `${reading.value} `.padEnd(200, noiseOf(from)) }))

/** Text that deflates badly, another for each number. */
const noiseOf = (seed: number): string =>
  Array.from({ length: 25 }, (_, k) =>
    Math.sin(seed * 25 + k)
      .toString(36)
      .slice(3),
  ).join('')
