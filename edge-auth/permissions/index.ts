export { type Authority, createAuthority } from './authority.ts'
export { guarded } from './guarded.ts'
export * from './permission.ts'
export { admin, predefinedRoles } from './predefined.ts'
