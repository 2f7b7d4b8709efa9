// @ts-check
/** @import {Context, Page} from './console.js' */
/** @import {texts} from './texts.js' */
import { accountPage } from './account.js'
import { alarmsPage } from './alarms.js'
import { appPage } from './app.js'
import { appsPage } from './apps.js'
import { auditPage } from './audit.js'
import { optionsPage } from './options.js'
import { overviewPage } from './overview.js'
import { providerPage } from './provider.js'
import { providersPage } from './providers.js'
import { retentionPage } from './retention.js'
import { rolePage } from './role.js'
import { rolesPage } from './roles.js'
import { sessionsPage } from './sessions.js'
import { userPage } from './user.js'
import { usersPage } from './users.js'

/**
 * @typedef {object} Route
 * @property {string} path
 * @property {keyof typeof texts.navigation} text
 * @property {string} [needs] the category that who sees it may read, be it his own things only
 * @property {(context: Context) => Promise<Page>} page
 * @property {(context: Context, name: string) => Promise<Page>} [detail]
 */

/** In the order of the navigation. @type {readonly Route[]} */
export const routes = [
  { path: 'overview', text: 'overview', needs: 'Identity', page: overviewPage },
  { path: 'alarms', text: 'alarms', needs: 'Alarms', page: alarmsPage },
  { path: 'apps', text: 'apps', needs: 'Applications', page: appsPage, detail: appPage },
  { path: 'users', text: 'users', needs: 'Users', page: usersPage, detail: userPage },
  { path: 'roles', text: 'roles', needs: 'Users', page: rolesPage, detail: rolePage },
  { path: 'sessions', text: 'sessions', needs: 'Sessions', page: sessionsPage },
  { path: 'providers', text: 'providers', needs: 'SingleSignOn', page: providersPage, detail: providerPage },
  { path: 'audit', text: 'audit', needs: 'Audits', page: auditPage },
  { path: 'retention', text: 'retention', needs: 'Retention', page: retentionPage },
  { path: 'options', text: 'options', needs: 'Options', page: optionsPage },
  { path: 'account', text: 'account', page: accountPage },
]
