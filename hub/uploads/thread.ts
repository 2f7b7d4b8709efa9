import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import { createUploads } from './uploads.ts'

serveThread(({ path }: { path: string }) => {
  const db = openDatabase(path, { migrations: new URL('./migrations/', import.meta.url) })
  return { methods: createUploads(db), close: () => void db.close() }
})
