import { join } from 'node:path'
import { openThread, type Thread, threadUrl } from '../../core/thread.ts'
import type { UploadMethods } from './uploads.ts'

export type { EventRow } from './events.ts'
export type { FileMeta, FileName } from './files.ts'
export type { DiagnosticMessage } from './messages.ts'
export type { RecoverableRecord } from './records.ts'
export type { Kept } from './uploads.ts'

/** What is uploaded besides readings: events, files, items of unknown types, what could not be stored; owns uploads.db. */
export type Uploads = Thread<UploadMethods>

export const openUploads = (dir: string): Promise<Uploads> =>
  openThread<UploadMethods>(threadUrl('thread', import.meta.url), { path: join(dir, 'uploads.db') })
