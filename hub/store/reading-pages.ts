import type { Value } from '../../protocol/reading.ts'
import type { PointTable } from './point-table.ts'
import type { Entry } from './reading-table.ts'
import type { Timeline } from './timeline.ts'

export interface StoredReading {
  pointId: string
  /** Epoch milliseconds at the source. */
  time: number
  /** An integer beyond 2^53 is decimal text. */
  value: number | string | boolean | null
  /** OPC UA StatusCode, uint32. */
  quality: number
}

/**
 * Where a reading stands among all of its agent: the order in which readings are queried. n counts those of
 * one point and time, from 0.
 */
export type Position = readonly [time: number, pointRow: number, n: number]

export interface ReadingFilter {
  agentId: string
  pointId: string | undefined
}

/** Column by column, since a page goes from thread to thread. */
export interface ReadingPage {
  points: string[]
  /** Index in `points`. */
  point: number[]
  time: number[]
  value: StoredReading['value'][]
  quality: number[]
  /** Of the last reading, when others follow it. */
  next: Position | undefined
}

/** One point's readings, one after the other. */
interface Course {
  point: number
  /** Index in the page's points. */
  index: number
  rest: Generator<readonly Entry[]>
  some: readonly Entry[]
  at: number
  /** The next to be read: `some[at]`. */
  entry: Entry
  n: number
}

/** Readings behind a position, by time, then point. */
export function readingPage(
  { points, timeline }: { points: PointTable; timeline: Timeline },
  { agentId, pointId }: ReadingFilter,
  after: Position,
  limit: number,
): ReadingPage {
  const courses = courseHeap()
  const page: ReadingPage = { points: [], point: [], time: [], value: [], quality: [], next: undefined }
  for (const { id, point } of points.ofAgent(agentId)) {
    if (pointId !== undefined && point !== pointId) continue
    const course = startCourse(timeline, id, page.points.push(point) - 1, after)
    if (course) courses.add(course)
  }
  let last: Position = after
  for (let course = courses.first(); course && page.time.length < limit; course = courses.first()) {
    const { point, index, entry, n } = course
    page.point.push(index)
    page.time.push(entry.time)
    page.value.push(toStored(entry.value))
    page.quality.push(entry.quality)
    last = [entry.time, point, n]
    courses.settle(step(course))
  }
  return courses.first() ? { ...page, next: last } : page
}

export const readingsOf = ({ points, point, time, value, quality }: ReadingPage): StoredReading[] =>
  time.map((at, k) => ({
    pointId: points[point[k] as number] as string,
    time: at,
    value: value[k] as StoredReading['value'],
    quality: quality[k] as number,
  }))

/** Stands at the first reading behind the position; undefined when there is none. */
function startCourse(timeline: Timeline, point: number, index: number, after: Position): Course | undefined {
  const [afterTime, afterPoint, afterN] = after
  const rest = timeline.from(point, point < afterPoint ? afterTime + 1 : afterTime)
  const { value: some, done } = rest.next()
  if (done) return undefined
  const course: Course = { point, index, rest, some, at: 0, entry: some[0] as Entry, n: 0 }
  while (point === afterPoint && course.entry.time === afterTime && course.n <= afterN)
    if (!step(course)) return undefined
  return course
}

/** False at the end. */
function step(course: Course): boolean {
  if (++course.at === course.some.length) {
    const { value: some, done } = course.rest.next()
    if (done) return false
    course.some = some
    course.at = 0
  }
  const entry = course.some[course.at] as Entry
  course.n = entry.time === course.entry.time ? course.n + 1 : 0
  course.entry = entry
  return true
}

/** A binary heap: agents have hundreds of points. */
function courseHeap() {
  const heap: Course[] = []
  const isBefore = (a: Course, b: Course) =>
    a.entry.time < b.entry.time || (a.entry.time === b.entry.time && a.point < b.point)

  function swap(a: number, b: number): void {
    const course = heap[a] as Course
    heap[a] = heap[b] as Course
    heap[b] = course
  }
  function sink(at: number): void {
    for (;;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && isBefore(heap[child] as Course, heap[least] as Course)) least = child
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  return {
    first: (): Course | undefined => heap[0],
    add(course: Course): void {
      heap.push(course)
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (!isBefore(heap[at] as Course, heap[parent] as Course)) return
        swap(at, parent)
        at = parent
      }
    },
    /** The first has gone on, or has ended. */
    settle(goesOn: boolean): void {
      if (!goesOn) {
        swap(0, heap.length - 1)
        heap.pop()
      }
      sink(0)
    },
  }
}

function toStored(value: Value): StoredReading['value'] {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}
