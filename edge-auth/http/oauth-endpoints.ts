import type { FormEndpoint } from './form-endpoint.ts'

/** The OAuth endpoints, the same on every listener. */
export interface Oauth {
  /** `open`: also for who shows no client credentials. */
  readonly introspect: { readonly open: FormEndpoint; readonly closed: FormEndpoint }
  readonly token: FormEndpoint
  readonly revoke: FormEndpoint
}
