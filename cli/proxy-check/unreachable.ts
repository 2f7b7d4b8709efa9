import { EdgeError } from '../../core/errors.ts'

export class Unreachable extends EdgeError {
  override readonly name = 'Unreachable'
  readonly code = 'unreachable'
  override readonly exitCode = 5
  override readonly cure = 'Give the address at which browsers reach the proxy, e.g. https://box.example.'

  constructor(base: URL, cause: Error) {
    super(`nothing answers at ${base.origin}: ${cause.message}`, { cause })
  }
}
