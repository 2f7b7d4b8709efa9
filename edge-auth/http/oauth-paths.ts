/** Where the OAuth endpoints are; both forms of introspection are the same. */
export const oauthPaths = {
  token: '/device/edge/auth/oauth2/token',
  introspect: '/device/edge/auth/oauth2/introspect',
  revoke: '/device/edge/auth/oauth2/revoke',
  jwks: '/device/edge/auth/oauth2/jwks',
} as const

export const introspectPaths: readonly string[] = [oauthPaths.introspect, `${oauthPaths.introspect}/`]
