/** The one place for outgoing connections. */
export type { FieldAddress } from './field.ts'
export type { Http, HttpRequest, HttpResponse } from './http.ts'
export { type Network, type NetworkConfig, openNetwork } from './network.ts'
export { refusePlaintext } from './plaintext.ts'
export { retryAfterMs } from './retry-after.ts'
export { isDateError, type Step, Unreachable, unreachable } from './unreachable.ts'
