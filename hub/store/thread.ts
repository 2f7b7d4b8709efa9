import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import type { DeviceEvent } from '../../protocol/alarm.ts'
import type { GapReport } from '../../protocol/gap.ts'
import type { Reading } from '../../protocol/reading.ts'
import { alarmTable, type KeptAlarm } from '../alarms/alarm-table.ts'
import { auditHeadTable, type KeptAuditHead } from '../alarms/audit-head-table.ts'
import { deviceEventTable } from '../alarms/event-table.ts'
import { createBalance, type SourceBalance } from './balance.ts'
import { type AddedGaps, type GapQuery, type GapRow, gapTable } from './gap-table.ts'
import { type Arrival, createIntake, type Outcome } from './intake.ts'
import type { MalformedTally } from './malformed-table.ts'
import type { Position, ReadingFilter, ReadingPage } from './reading-pages.ts'
import { type KeptReport, reportTable } from './report-table.ts'
import { storedReadings } from './stored-readings.ts'
import { transactions } from './transactions.ts'

export type StoreThread = {
  /** One transaction for all; when it returns, they are on disk. */
  commit(arrivals: Arrival[]): Outcome[]
  overwrite(agentId: string, readings: Reading[]): void
  page(filter: ReadingFilter, after: Position, limit: number): ReadingPage
  keepAside(agentId: string, payload: Uint8Array, reason: string, receivedAt: number): void
  malformed(agentId: string): MalformedTally
  addGaps(agentId: string, report: GapReport): AddedGaps
  gaps(query: GapQuery): GapRow[]
  balance(agentId: string): SourceBalance[]
  putReport(agentId: string, report: AgentReport, receivedAt: number): void
  report(agentId: string): KeptReport | undefined
  alarms(agentId: string | undefined, withCleared: boolean, limit: number): KeptAlarm[]
  events(agentId: string, limit: number): DeviceEvent[]
  auditHead(agentId: string): KeptAuditHead | undefined
  pack(): boolean
  removeAgent(agentId: string): void
}

serveThread<{ path: string }, StoreThread>(({ path }) => {
  const db = openDatabase(path, {
    migrations: new URL('./migrations/', import.meta.url),
    copiedBeforeUpgrade: false, // most of the disk
  })
  const readings = storedReadings(db)
  const intake = createIntake(db, readings)
  const gaps = gapTable(db)
  const reports = reportTable(db)
  const alarms = alarmTable(db)
  const events = deviceEventTable(db)
  const auditHeads = auditHeadTable(db)

  const atOnce = transactions(db, readings, [intake])

  return {
    methods: {
      commit: atOnce(intake.takeAll),
      overwrite: atOnce(readings.overwrite),
      keepAside: atOnce(intake.keepAside),
      addGaps: atOnce(gaps.add),
      putReport: atOnce((agentId, report, receivedAt) => {
        reports.put(agentId, report, receivedAt)
        for (const table of [alarms, events, auditHeads]) table.take(agentId, report, receivedAt)
      }),
      pack: atOnce(readings.pack),
      removeAgent: atOnce((agentId) => {
        const owners = [readings, intake, gaps, reports, alarms, events, auditHeads]
        for (const owner of owners) owner.removeAgent(agentId)
      }),
      page: readings.page,
      malformed: intake.malformed,
      gaps: gaps.page,
      balance: createBalance(db, gaps),
      report: reports.find,
      alarms: alarms.list,
      events: events.list,
      auditHead: auditHeads.find,
    },
    close: () => void db.close(),
  }
})
