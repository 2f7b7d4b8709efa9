import { expect, test } from 'vitest'
import { seeded } from '../seeded.ts'
import { createDisk } from './crash-image.ts'
import { type Event, parseTrace } from './recording.ts'

const sector = (fill: string) => Buffer.alloc(512, fill)
const seeds = Array.from({ length: 200 }, (_, k) => k)

/** What two hundred cuts after these events leave. */
function cutsAfter(...events: Event[]): Map<string, string>[] {
  const disk = createDisk()
  for (const event of events) disk.apply(event)
  return seeds.map((seed) => {
    const image = disk.cut(seeded(seed))
    return new Map([...image].map(([name, content]) => [name, content.toString()]))
  })
}

const write = (offset: number, data: Buffer): Event => ({ is: 'write', file: 1, offset, data })
const synced: Event[] = [
  { is: 'create', path: 'a', file: 1 },
  write(0, Buffer.concat([sector('1'), sector('2')])),
  { is: 'sync', file: 1 },
]
const both = `${sector('1')}${sector('2')}`

test('what was synced is there, whatever is cut', () => {
  for (const image of cutsAfter(...synced)) expect(image.get('a')).toBe(both)
})

test('each sector written since the sync is the old one or the new one, in any combination', () => {
  const contents = new Set(
    cutsAfter(...synced, write(0, sector('x')), write(512, sector('y'))).map((i) => i.get('a')),
  )
  expect([...contents].sort()).toEqual(
    ['1', 'x'].flatMap((first) => ['2', 'y'].map((second) => `${sector(first)}${sector(second)}`)).sort(),
  )
})

test('a file that has grown since the sync has its old length, its new one, or one between', () => {
  const grown = cutsAfter(...synced, write(1024, Buffer.concat([sector('3'), sector('4')])))
  const lengths = new Set(grown.map((image) => image.get('a')?.length))
  expect([...lengths].sort()).toEqual([1024, 1536, 2048])
  for (const image of grown) expect(image.get('a')?.startsWith(both)).toBe(true)
})

test('a name that was not synced is there or not; the sync of its directory makes it stay', () => {
  const renamed: Event = { is: 'rename', from: 'a', to: 'b' }
  const names = new Set(cutsAfter(...synced, renamed).map((image) => [...image.keys()].join()))
  expect([...names].sort()).toEqual(['a', 'b'])
  for (const image of cutsAfter(...synced, renamed, { is: 'syncDir' }))
    expect([...image.keys()]).toEqual(['b'])
})

test('calls of several threads are read in the order in which they ended', () => {
  const hex = (text: string) => [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16)}`).join('')
  const trace = [
    `7 openat(AT_FDCWD, "${hex('/box/a')}", O_RDWR|O_CREAT, 0644) = 5`,
    `7 lseek(5, 100, SEEK_SET) = 100`,
    `7 write(5, "${hex('data')}", 4 <unfinished ...>`,
    `8 write(1, "${hex('kept 1')}", 6) = 6`,
    `7 <... write resumed>) = 4`,
    `7 openat(AT_FDCWD, "${hex('/elsewhere')}", O_RDWR) = 6`,
    `7 write(6, "${hex('other')}", 5) = 5`,
    `7 fdatasync(5) = 0`,
  ].join('\n')
  expect(parseTrace(trace, '/box')).toEqual([
    { is: 'create', path: 'a', file: 1 },
    { is: 'said', line: 'kept 1' },
    { is: 'write', file: 1, offset: 100, data: Buffer.from('data') },
    { is: 'sync', file: 1 },
  ])
})
