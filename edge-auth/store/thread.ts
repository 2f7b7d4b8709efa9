import { openDatabase } from '../../core/sqlite.ts'
import { serveThread } from '../../core/thread.ts'
import { type AppVersion, appTable } from './app.ts'
import { appVersionTable } from './app-version.ts'
import { type Ending, type Session, type SessionChoice, sessionTable } from './session.ts'
import { type Setting, settingTable } from './setting.ts'
import { type SigningKey, signingKeyTable } from './signing-key.ts'
import { type User, userTable } from './user.ts'

export interface StoreThreadData {
  path: string
}

/** Each method is one transaction; what may be changed is decided by the caller, one change at a time. */
export type StoreMethods = ReturnType<typeof openMethods>['methods']

function openMethods({ path }: StoreThreadData) {
  const db = openDatabase(path, { migrations: new URL('./migrations/', import.meta.url) })
  const users = userTable(db)
  const sessions = sessionTable(db)
  const apps = appTable(db)
  const versions = appVersionTable(db)
  const keys = signingKeyTable(db)
  const settings = settingTable(db)

  const methods = {
    load: db.transaction(() => ({
      users: users.all(),
      sessions: sessions.allOpen(),
      appVersions: versions.all(),
      signingKeys: keys.all(),
      settings: settings.all(),
    })),
    /** `ending` ends the user's sessions in the same commit. */
    putUser: db.transaction((user: User, ending: Ending | undefined) => {
      users.put(user)
      if (ending) sessions.end({ user: user.name }, ending)
    }),
    removeUser: db.transaction((name: string, ending: Ending) => {
      users.remove(name)
      sessions.end({ user: name }, ending)
    }),
    addSession: db.transaction((session: Session, forgetExpiredBefore: number) => {
      sessions.removeExpired(forgetExpiredBefore)
      sessions.add(session)
    }),
    endSessions: (choice: SessionChoice, ending: Ending) => sessions.end(choice, ending),
    putAppVersion: db.transaction((version: AppVersion) => {
      apps.ensure(version)
      versions.put(version)
    }),
    removeAppVersion: (clientId: string, version: string) => versions.remove(clientId, version),
    removeApp: (clientId: string) => apps.remove(clientId),
    addSigningKey: (key: SigningKey) => keys.add(key),
    putSetting: (setting: Setting) => settings.put(setting),
  }
  return { methods, close: () => void db.close() }
}

serveThread(openMethods)
