/** Sources alone, for measurements that have no box around them. */
export { createSources } from './sources/index.ts'
