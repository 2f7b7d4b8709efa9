import { Conflict } from './errors.ts'
import { serveThread } from './thread.ts'

export type EchoMethods = {
  echo(value: unknown): unknown
  refuse(): never
  bug(): never
  die(): never
}

serveThread<{ fail?: boolean }, EchoMethods>(({ fail }) => {
  if (fail) throw new Conflict('cannot open', 'no_opening')
  return {
    methods: {
      echo: (value) => value,
      refuse: () => {
        throw new Conflict('not now')
      },
      bug: () => {
        throw new TypeError('a bug')
      },
      die: () => process.exit(3),
    },
    close: () => {},
  }
})
