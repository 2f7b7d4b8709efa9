import { isIPv4, isIPv6 } from 'node:net'

/**
 * What counts as one place: an IPv4 address, or the /64 of an IPv6 address, which one person has whole.
 * What is no address is one place too.
 */
export function sourceOf(address: string | undefined): string {
  const [text = ''] = (address ?? '').split('%') // a zone says nothing about who it is
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (isIPv4(text)) return text
  return isIPv6(text) ? `${prefixOf(text)}::/64` : 'unknown'
}

/** The first four groups, written out. */
function prefixOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // A dotted end stands for two groups.
  const written = before.length + after.length + (address.includes('.') ? 1 : 0)
  const groups = tail === undefined ? before : [...before, ...Array(8 - written).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
