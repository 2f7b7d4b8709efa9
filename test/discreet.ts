import type { Child } from '../cli/demo/child.ts'

const secretName = /^(client_secret|password|access_token|iat|registration_access_token|secret)$/
const looksSecret = [/eyJ[\w-]{8,}\.[\w-]{8,}\./, /PRIVATE KEY/]

/**
 * Watches a process for what it logs: when it ends, its log must hold none of the secrets that it was
 * given or gave out, and nothing that looks like a token or a private key.
 */
export function discreet<A>(child: Child<A>): Child<A> {
  const secrets = new Set<string>()
  const check = (): void => {
    const line = child
      .log()
      .split('\n')
      .find(
        (text) =>
          looksSecret.some((form) => form.test(text)) || [...secrets].some((one) => text.includes(one)),
      )
    if (line !== undefined) throw new Error(`a secret stands in the log: ${line}`)
  }
  const stop: Child<A>['stop'] = async (signal) => {
    await child.stop(signal)
    check()
  }
  return {
    ...child,
    async operate<T>(operation: string, params?: object): Promise<T> {
      collect(params, secrets)
      const result = await child.operate<T>(operation, params)
      collect(result, secrets)
      return result
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

function collect(value: unknown, secrets: Set<string>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && secretName.test(name) && inner.length >= 8) secrets.add(inner)
    else collect(inner, secrets)
  }
}
