import { serveThread } from '../../core/thread.ts'
import { namingFailures } from './errors.ts'
import { openTokensOnDisk, type TokensData, type TokensOnDisk } from './tokens-on-disk.ts'

serveThread<TokensData, TokensOnDisk['methods']>((data) => {
  const { methods, close } = namingFailures(() => openTokensOnDisk(data))
  const named = Object.entries(methods).map(([name, method]) => [
    name,
    (...args: never[]) => namingFailures(() => (method as (...args: never[]) => unknown)(...args)),
  ])
  return { methods: Object.fromEntries(named) as TokensOnDisk['methods'], close }
})
