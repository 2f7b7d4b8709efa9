import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AgentStatus } from '../cli/status.ts'
import { type Machine, newMachine } from './boot/machine.ts'
import { buildPackages, type Packages } from './boot/packages.ts'
import { eventually, plant, type TempDir, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

/** A whole life on one machine, from the installation to the purge: each test goes on where the last one ended. */
describeWith(['systemd-nspawn', 'mmdebstrap', 'nsenter', 'dpkg-deb'], 'on a Debian of its own', () => {
  let dir: TempDir
  let machine: Machine
  let packages: Packages

  beforeAll(async () => {
    dir = await tempDir()
    packages = await buildPackages(join(dir.path, 'packages'))
    machine = await newMachine()
    await machine.boot()
  }, 400_000)
  afterAll(async () => {
    await machine?.[Symbol.asyncDispose]()
    await dir?.[Symbol.asyncDispose]()
  }, 60_000)

  const install = async (deb: string) => {
    const path = `/srv/${basename(deb)}`
    await machine.put(deb, path)
    return machine.sh(`apt-get install -y --allow-downgrades ${path} && rm ${path}`)
  }
  const status = async (): Promise<AgentStatus> => JSON.parse(await machine.must('edgeward status --json'))
  const json = async <T>(command: string): Promise<T> => JSON.parse(await machine.must(`${command} --json`))
  // Not by "edgeward status", which answers while nothing runs, too.
  const isServing = async () => (await machine.sh('systemctl is-active edgeward')).stdout === 'active\n'
  const property = async (name: string) =>
    (await machine.must(`systemctl show edgeward --property ${name} --value`)).trim()
  const arrived = async (agent: string): Promise<number> =>
    (await machine.must(`edgeward hub data --agent ${agent} --json`)).split('\n').filter(Boolean).length
  const release = async () => (await machine.must('readlink /usr/lib/edgeward/current')).trim()
  let agent: string

  test('installs without a network, and is ready', async () => {
    const installed = await install(packages.first)
    expect(installed, installed.stdout + installed.stderr).toMatchObject({ code: 0 })
    expect(await machine.must('systemctl is-active edgeward')).toBe('active\n')
    expect(await property('StatusText')).not.toBe('')
    expect(await machine.must('systemctl is-enabled edgeward')).toBe('enabled\n')
    expect(await machine.must(`stat -c '%U %a' /var/lib/edgeward /etc/edgeward/edgeward.toml`)).toBe(
      'edgeward 700\nroot 644\n',
    )
    expect(
      (
        await machine.must(
          'ps -o user= -C edgeward 2>/dev/null || stat -c %U /proc/$(systemctl show edgeward -p MainPID --value)',
        )
      ).trim(),
    ).toBe('edgeward')
    expect((await status()).identity.state).toBe('unboarded')
  })

  test('is onboarded by a hub on the same machine, and its readings arrive', async () => {
    await machine.must('systemctl enable --now edgeward-hub')
    await machine.must('edgeward hub init --json')
    await machine.must('edgeward hub agent create --name box --profile RSA_3072 --out /srv/boarding.json')
    await machine.must('edgeward onboard /srv/boarding.json')
    agent = (await json<{ agents?: unknown } & { id: string }[]>('edgeward hub agent list'))[0]?.id as string
    await machine.write('/srv/plant.json', JSON.stringify(systemPlant))
    await machine.must(`edgeward hub agent configure ${agent} /srv/plant.json`)
    await eventually('readings at the hub', async () => (await arrived(agent)) > 3)
    await machine.must('echo "correct horse battery" | edgeward user add ada --role Admin --password-stdin')
  })

  test('is started again when it was killed, and by the watchdog when it hangs', async () => {
    await machine.write(
      '/etc/systemd/system/edgeward.service.d/test.conf',
      '[Service]\nWatchdogSec=6s\nRestartSec=500ms\nTimeoutStartSec=20s\n',
    )
    await machine.must('systemctl daemon-reload && systemctl restart edgeward')
    await machine.must('kill -9 $(systemctl show edgeward --property MainPID --value)')
    await eventually(
      'started again',
      async () => (await property('NRestarts')) === '1' && (await isServing()),
    )
    // Stopped as a debugger stops it: no loop turns, no thread answers.
    await machine.must('kill -STOP $(systemctl show edgeward --property MainPID --value)')
    await eventually(
      'started again by the watchdog',
      async () => (await property('NRestarts')) === '2' && (await isServing()),
    )
    expect(await machine.must('journalctl -u edgeward --no-pager')).toMatch(/Watchdog timeout/i)
    expect((await status()).identity.state).toBe('onboarded')
  })

  test('keeps a backup by its timer and by hand, of the running and of the stopped daemon', async () => {
    await machine.write('/etc/edgeward/backup-passphrase', 'correct horse battery staple\n')
    await machine.must('chmod 600 /etc/edgeward/backup-passphrase && systemctl start edgeward-backup')
    expect((await machine.must('ls /var/lib/edgeward-backup')).split('\n').filter(Boolean)).toHaveLength(1)
    const byHand = 'edgeward backup --passphrase-file /etc/edgeward/backup-passphrase --out'
    await machine.must(`${byHand} /srv/running.age`)
    await machine.must(`systemctl stop edgeward && ${byHand} /srv/stopped.age && edgeward user list`)
    expect(await machine.must(`stat -c '%U %a' /srv/running.age /srv/stopped.age`)).toBe(
      'root 600\nroot 600\n',
    )
    await machine.must('systemctl start edgeward')
  })

  test('has everything after it was switched off, and after the plug was pulled', async () => {
    const before = await arrived(agent)
    await machine.powerOff()
    await machine.boot()
    await eventually('serves', isServing)
    await eventually('more readings', async () => (await arrived(agent)) > before)
    await machine.cutPower()
    await machine.boot()
    await eventually('serves', isServing)
    const after = await arrived(agent)
    await eventually('more readings', async () => (await arrived(agent)) > after)
    expect((await status()).identity).toMatchObject({ state: 'onboarded' })
    expect(await machine.must('edgeward user list')).toContain('ada')
    expect(await machine.must('systemctl --failed --no-legend')).toBe('')
  })

  test('is upgraded, and keeps everything', async () => {
    const upgraded = await install(packages.next)
    expect(upgraded, upgraded.stdout + upgraded.stderr).toMatchObject({ code: 0 })
    expect(await release()).toBe('releases/0.1.1')
    expect((await status()).identity.state).toBe('onboarded')
    expect(await machine.must('edgeward user list')).toContain('ada')
  })

  test('goes back by itself when a new release does not start, and says so', async () => {
    const { code, stdout } = await install(packages.broken)
    expect(code).not.toBe(0)
    expect(stdout).toContain('0.1.2 did not become ready')
    expect(await release()).toBe('releases/0.1.1')
    await eventually('serves', isServing)
    expect((await status()).identity.state).toBe('onboarded')
    expect(await machine.must('cat /var/lib/edgeward-release/fallen-back')).toContain('failed 0.1.2')
    expect(await machine.must('journalctl -u edgeward --no-pager')).toContain('0.1.1 is in use again')
  })

  test('does not even switch to a release that finds fault with itself', async () => {
    const { code, stdout } = await install(packages.unfit)
    expect(code).not.toBe(0)
    expect(stdout).toContain('the addon does not load')
    expect(await release()).toBe('releases/0.1.1')
    expect(await isServing()).toBe(true)
    const mended = await install(packages.next)
    expect(mended, mended.stdout + mended.stderr).toMatchObject({ code: 0 })
  })

  test('is purged, and says what that removes', async () => {
    const { code, stdout } = await machine.sh('apt-get purge -y edgeward')
    expect(code).toBe(0)
    expect(stdout).toContain('/var/lib/edgeward')
    expect(stdout).toContain(agent)
    expect(
      await machine.must(
        'ls -d /var/lib/edgeward* /etc/edgeward /usr/lib/edgeward /usr/bin/edgeward 2>/dev/null; true',
      ),
    ).toBe('')
    expect((await machine.sh('systemctl is-active edgeward')).stdout).not.toBe('active\n')
  })
})

const systemPlant = {
  configurationId: 'c1',
  dataSources: [
    {
      ...plant('x').dataSources[0],
      name: 'self',
      customData: { protocol: 'system', interval: '500ms' },
      dataPoints: [{ id: 'load', name: 'load', type: 'DOUBLE', unit: '', customData: { metric: 'load.1' } }],
    },
  ],
}
