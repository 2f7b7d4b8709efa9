import { copyDatabase, foldLog } from '../core/sqlite.ts'
import { serveThread } from '../core/thread.ts'

export type CopyMethods = { copy: typeof copyDatabase; fold: typeof foldLog }

serveThread<undefined, CopyMethods>(() => ({
  methods: { copy: copyDatabase, fold: foldLog },
  close: () => {},
}))
