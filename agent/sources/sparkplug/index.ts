export { createHost } from './host.ts'
export { type BoundPoint, placeAtNode } from './reading.ts'
export { rebirthCommand } from './rebirth.ts'
