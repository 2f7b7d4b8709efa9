/** How an app shows who it is, RFC 7617 and RFC 6750. */
export const basicChallenge = 'Basic realm="edgeward"'
export const bearerChallenge = 'Bearer realm="edgeward"'
