import { TokenDamaged } from './errors.ts'
import type { Sweep } from './sweep.ts'
import type { Owner, TokenHead, TokenName } from './token.ts'
import type { ListWish, TokensThread } from './tokens-thread.ts'

/** Stays as it was opened, whoever writes meanwhile; must be closed. */
export interface OpenToken {
  readonly head: TokenHead
  /** Looks at all of it; throws `TokenDamaged`. */
  check(): Promise<void>
  /** The value in pieces. Throws `TokenDamaged`. */
  value(): AsyncGenerator<string, void>
  close(): void
}

/** As they were when listed, whoever writes meanwhile; must be closed. */
export interface OpenList {
  readonly heads: readonly TokenHead[]
  readonly total: number
  /** Of those no larger than was asked for. */
  open(head: TokenHead): Omit<OpenToken, 'close'>
  close(): void
}

export interface Reading {
  find(owner: Owner, name: TokenName): Promise<TokenHead | undefined>
  open(owner: Owner, name: TokenName): Promise<OpenToken | undefined>
  openList(wish: ListWish, heldBytes: number): Promise<OpenList>
}

export function createReading(ready: () => Promise<TokensThread>, sweep: Sweep): Reading {
  const contentOf = (head: TokenHead) => ({
    head,
    async check() {
      if (head.damaged) throw new TokenDamaged()
      const { call } = await ready()
      for (let number = 0; number < head.chunks; number++)
        if (!(await call('isChunkWhole', head.content, number))) throw new TokenDamaged()
    },
    async *value() {
      const { call } = await ready()
      const text = new TextDecoder('utf-8', { ignoreBOM: true })
      for (let number = 0; number < head.chunks; number++) {
        const piece = text.decode(await call('readChunk', head.content, number), { stream: true })
        if (piece !== '') yield piece
      }
    },
  })
  /** Once, however often it is called. */
  const closing = (contents: readonly string[]) => {
    let isClosed = contents.length === 0
    return () => {
      if (isClosed) return
      isClosed = true
      void ready()
        .then(({ call }) => call('release', contents))
        .then(sweep.start, () => {}) // the thread is gone, and what it held with it
    }
  }

  return {
    find: async (owner, name) => (await ready()).call('find', owner, name),
    async open(owner, name) {
      const head = await (await ready()).call('open', owner, name)
      return head && { ...contentOf(head), close: closing([head.content]) }
    },
    async openList(wish, heldBytes) {
      const { heads, total } = await (await ready()).call('list', { ...wish, heldBytes })
      const held = heads.filter(({ bytes }) => bytes <= heldBytes).map(({ content }) => content)
      return { heads, total, open: contentOf, close: closing(held) }
    },
  }
}
