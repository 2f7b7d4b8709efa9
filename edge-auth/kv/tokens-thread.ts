import type { Thread } from '../../core/thread.ts'
import type { TokensOnDisk, Wish } from './tokens-on-disk.ts'

export type TokensThread = Thread<TokensOnDisk['methods']>

export type ListWish = Omit<Wish, 'heldBytes'>
