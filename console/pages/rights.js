// @ts-check
/** @import {Act, Level, Permissions} from './answers.js' */

/** @type {Record<Act, readonly Level[]>} */
const suffices = {
  read: ['READ'],
  create: ['CREATE', 'ADMIN'],
  update: ['UPDATE', 'ADMIN'],
  delete: ['UPDATE', 'ADMIN'],
  admin: ['ADMIN'],
}

export const categories = [
  'Alarms',
  'Applications',
  'Audits',
  'DeviceControl',
  'Identity',
  'Options',
  'OwnUser',
  'Retention',
  'Sessions',
  'SingleSignOn',
  'TokenStore',
  'Users',
]
/** @type {readonly Level[]} */
export const levels = ['READ', 'CREATE', 'UPDATE', 'ADMIN']

/**
 * What the page shows; the box decides for itself.
 * @param {Permissions} permissions
 * @param {string} category
 * @param {Act} act
 * @param {boolean} [own] the thing was made by who asks
 */
export function may(permissions, category, act, own = false) {
  const held = permissions[category] ?? []
  if (own && act !== 'admin' && held.includes('CREATE')) return true
  return held.some((level) => suffices[act].includes(level))
}
