import { alarmRoutes } from './alarm-routes.ts'
import { appRoutes } from './app-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import { logRoutes } from './log-routes.ts'
import { optionRoutes } from './option-routes.ts'
import { ownRoutes } from './own-routes.ts'
import { retentionRoutes } from './retention-routes.ts'
import { roleRoutes } from './role-routes.ts'
import type { AdminRoute } from './route-table.ts'
import { sessionRoutes } from './session-routes.ts'
import { ssoRoutes } from './sso-routes.ts'
import { statusRoutes } from './status-routes.ts'
import { totpRoutes } from './totp-routes.ts'
import { userRoutes } from './user-routes.ts'

/** All of them; each domain has its own list. */
export const adminRoutes: readonly AdminRoute[] = [
  ...statusRoutes,
  ...sessionRoutes,
  ...auditRoutes,
  ...retentionRoutes,
  ...alarmRoutes,
  ...optionRoutes,
  ...ssoRoutes,
  ...appRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...ownRoutes,
  ...totpRoutes,
  ...logRoutes,
]
