import { join } from 'node:path'
import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import { createRegistry } from './registry.ts'

serveThread(({ dir }: { dir: string }) => {
  const db = openDatabase(join(dir, 'registry.db'), { migrations: new URL('./migrations/', import.meta.url) })
  return { methods: createRegistry(db), close: () => void db.close() }
})
