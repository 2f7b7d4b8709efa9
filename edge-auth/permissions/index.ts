export * from './permission.ts'
export { admin, predefinedRoles, type Role } from './predefined.ts'
