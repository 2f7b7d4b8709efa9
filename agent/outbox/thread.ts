import { systemClock } from '../../core/clock.ts'
import { serveThread } from '../../core/thread.ts'
import { type Journal, type JournalConfig, openJournal } from './journal/index.ts'

serveThread<JournalConfig, Journal>((config) => openJournal(config, systemClock.now))
