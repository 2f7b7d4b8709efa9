import type { Command } from 'commander'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { print } from '../output.ts'
import type { PlaceOptions } from '../places.ts'

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'what is wrong with this box, and what to do; works with the daemon running, stopped or broken',
    )
    .action(async (_options, command: Command) => {
      const { json = false, ...options } = command.optsWithGlobals<PlaceOptions & { json?: boolean }>()
      const { examineGateway } = await import('../doctor/index.ts') // brings the agent in
      const findings = await examineGateway(options, process.env)
      const healthy = findings.every(({ status }) => status !== 'failed')
      print(json, { healthy, findings }, () => describe(findings))
      if (!healthy) process.exitCode = 1
    })
}

/** One block a finding: what was looked at and seen, then what to do. */
function describe(findings: readonly Diagnosis[]): string {
  const width = Math.max(...findings.map(({ title }) => title.length))
  const indent = ' '.repeat('warning'.length + width + 4)
  const lines = findings.flatMap(({ status, title, cause, cure }) => [
    `${status.padEnd('warning'.length)}  ${title.padEnd(width)}  ${cause.replaceAll('\n', `\n${indent}`)}`,
    ...(cure === undefined ? [] : [`${indent}→ ${cure}`]),
  ])
  const count = (status: Diagnosis['status']) =>
    findings.filter((finding) => finding.status === status).length
  const bad = count('failed')
  const end = bad === 0 ? 'nothing has failed' : `${bad} failed; begin with the first`
  const warnings = count('warning')
  return [...lines, '', `${end}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`].join('\n')
}
