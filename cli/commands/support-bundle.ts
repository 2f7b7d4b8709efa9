import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../../core/clock.ts'
import { logPlace } from '../logs/index.ts'
import { print } from '../output.ts'
import type { PlaceOptions } from '../places.ts'
import { sinceOf } from '../since.ts'
import type { PartReport } from '../support-bundle/index.ts'

interface Given extends PlaceOptions {
  json?: boolean
  out?: string
  since: string
}

export function supportBundleCommand(program: Command): void {
  program
    .command('support-bundle')
    .description(
      'one archive with what support needs to know of this box, without secrets; with the daemon running, stopped or hung',
    )
    .option('--out <file>', 'where it is written, 0600 (default: edgeward-support-TIME.tar.gz here)')
    .option('--since <time>', 'log and audit from this time on: 2h, 7d ago, or ISO 8601', '24h')
    .action(async (_options, command: Command) => {
      const { json = false, out, since, ...places } = command.optsWithGlobals<Given>()
      const { makeSupportBundle, stamp } = await import('../support-bundle/index.ts')
      const path = resolve(out ?? `edgeward-support-${stamp(systemClock.now())}.tar.gz`)
      const bundle = await makeSupportBundle(
        { clock: systemClock, progress: (part) => void process.stderr.write(`${describe(part)}\n`) },
        {
          ...{ log: logPlace(places), given: places, out: path, env: process.env },
          sinceAt: sinceOf(since) as number,
        },
      )
      const failed = bundle.parts.filter((part) => part.failed !== undefined).length
      const end = failed === 0 ? '' : `; ${failed} of ${bundle.parts.length} parts could not be had`
      print(json, bundle, `${path}: ${kilobytes(bundle.bytes)}${end}`)
      process.exit() // a part that hangs in the kernel is not waited for
    })
}

function describe({ path, about, bytes, cuts, failed }: PartReport): string {
  const said = failed === undefined ? kilobytes(bytes) : `not there: ${failed.split('\n')[0]}`
  const cut = cuts === 0 ? '' : `, ${cuts} cut`
  return `${path.padEnd(26)}  ${about}: ${said}${cut}`
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
