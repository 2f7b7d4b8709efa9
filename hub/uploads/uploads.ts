import type { Database } from '../../core/sqlite.ts'
import { type EventRow, eventTable } from './events.ts'
import { type FileMeta, type FileName, fileTables } from './files.ts'
import { type CustomItem, customItemTable } from './items.ts'
import { type DiagnosticMessage, diagnosticMessageTable } from './messages.ts'
import { type RecoverableRecord, recoverableRecordTable } from './records.ts'

/** What of one exchange is no time series that could be stored. */
export interface Kept {
  events: EventRow[]
  files: { name: FileName; meta: FileMeta; content: Uint8Array }[]
  items: CustomItem[]
  records: RecoverableRecord[]
  messages: DiagnosticMessage[]
}

/** Each method is one transaction. */
export function createUploads(db: Database) {
  const events = eventTable(db)
  const files = fileTables(db)
  const items = customItemTable(db)
  const records = recoverableRecordTable(db)
  const messages = diagnosticMessageTable(db)
  return {
    keep: db.transaction((kept: Kept, now: number): void => {
      for (const event of kept.events) events.put(event)
      for (const { name, meta, content } of kept.files) files.put(name, meta, content, undefined, now)
      for (const item of kept.items) items.add(item)
      for (const record of kept.records) records.add(record)
      for (const message of kept.messages) messages.add(message)
    }),
    eventPage: events.page,
    file: files.find,
    putFile: db.transaction(files.put),
    clearParts: files.clearParts,
    addPart: db.transaction(files.addPart),
    completeFile: db.transaction(files.complete),
    customItemPage: items.page,
    recoverableRecord: records.find,
    recoverableRecordPage: records.page,
    removeRecoverableRecord: records.remove,
    /** `rest`: what of it could not be stored this time either. */
    replaceRecoverableRecord: db.transaction(
      (tenant: string, id: string, rest: RecoverableRecord | undefined): void => {
        if (records.remove(tenant, id) && rest) records.add(rest)
      },
    ),
    messagePage: messages.page,
    removeAgent: db.transaction((agentId: string): void => {
      for (const table of [events, files, items, records, messages]) table.removeAgent(agentId)
    }),
  }
}

export type UploadMethods = ReturnType<typeof createUploads>
