/** The outbox alone, for tests and measurements that have no box around it. */
export { createAlarms } from './alarms.ts'
export { type Outbox, type OutboxConfig, openOutbox } from './outbox/index.ts'
