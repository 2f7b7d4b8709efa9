import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../harness.ts'

/** What a program did to the files of one directory, in order, and what it said meanwhile. */
export type Event =
  | { is: 'create'; path: string; file: number }
  | { is: 'unlink'; path: string }
  | { is: 'rename'; from: string; to: string }
  | { is: 'write'; file: number; offset: number; data: Buffer }
  | { is: 'truncate'; file: number; length: number }
  | { is: 'sync'; file: number }
  | { is: 'syncDir' }
  | { is: 'said'; line: string }

const calls =
  'openat,close,lseek,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2'

/** Runs the program under strace with all data; `dir` is empty before. Resolves when the program has ended. */
export async function record(
  dir: string,
  command: readonly [string, ...string[]],
  scratch: string,
): Promise<Event[]> {
  const trace = join(scratch, 'trace')
  const strace = ['-f', '-qq', '-xx', '-s', '16777216', '-e', 'signal=none', '-e', `trace=${calls}`]
  const { stdout, stderr } = await runProgram('strace', [...strace, '--seccomp-bpf', '-o', trace, ...command])
  if (stdout === '') throw new Error(`nothing was recorded: ${stderr}`)
  return parseTrace(await readFile(trace, 'latin1'), dir)
}

interface Descriptor {
  file: number
  offset: number
}

export function parseTrace(trace: string, dir: string): Event[] {
  const recorder = createRecorder(dir)
  const begun = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, thread, text] = /^(\d+)\s+(.*)$/s.exec(line) ?? []
    if (thread === undefined || text === undefined) continue
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(thread, text.slice(0, -' <unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(text)
    const whole = resumed ? `${begun.get(thread) ?? ''}${resumed[1]}` : text
    const [, name, args, result] = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(whole) ?? []
    if (name !== undefined && args !== undefined && Number(result) >= 0)
      recorder.take(name, args, Number(result))
  }
  return recorder.events
}

function createRecorder(dir: string) {
  const events: Event[] = []
  const files = new Map<string, number>()
  const descriptors = new Map<number, Descriptor>()
  let lastFile = 0
  /** Inside the directory, by name; the shared memory of SQLite is nothing that outlives the process. */
  const inside = (path: string): string | undefined =>
    path.startsWith(`${dir}/`) && !path.endsWith('-shm') ? path.slice(dir.length + 1) : undefined
  const directory = -1

  function opened(path: string, flags: string, fd: number): void {
    descriptors.delete(fd)
    if (path === dir) descriptors.set(fd, { file: directory, offset: 0 })
    const name = inside(path)
    if (name === undefined) return
    let file = files.get(name)
    if (file === undefined) {
      file = ++lastFile
      files.set(name, file)
      events.push({ is: 'create', path: name, file })
    } else if (flags.includes('O_TRUNC')) events.push({ is: 'truncate', file, length: 0 })
    descriptors.set(fd, { file, offset: 0 })
  }
  function written(fd: number, data: Buffer, at: number | undefined): void {
    if (fd === 1) {
      for (const line of data.toString().split('\n')) if (line !== '') events.push({ is: 'said', line })
      return
    }
    const open = descriptors.get(fd)
    if (open === undefined || open.file === directory) return
    events.push({ is: 'write', file: open.file, offset: at ?? open.offset, data })
    if (at === undefined) open.offset += data.length
  }
  function moved(from: string | undefined, to: string | undefined): void {
    if (from === undefined || to === undefined) return
    const file = files.get(from)
    if (file === undefined) return
    files.delete(from)
    files.set(to, file)
    events.push({ is: 'rename', from, to })
  }
  function removed(name: string | undefined): void {
    if (name !== undefined && files.delete(name)) events.push({ is: 'unlink', path: name })
  }
  function synced(fd: number): void {
    const open = descriptors.get(fd)
    if (open) events.push(open.file === directory ? { is: 'syncDir' } : { is: 'sync', file: open.file })
  }

  return {
    events,
    take(call: string, args: string, result: number): void {
      const parts = args.split('"') // what stands in quotes is hexadecimal throughout
      const texts = parts.filter((_, k) => k % 2 === 1).map(bytesOf)
      const rest = parts
        .filter((_, k) => k % 2 === 0)
        .join('')
        .split(',')
      const fd = Number(rest[0])
      const paths = texts.map((text) => text.toString())
      const open = descriptors.get(fd)
      if (call === 'openat') opened(paths[0] ?? '', args, result)
      else if (call === 'close') descriptors.delete(fd)
      else if (call === 'lseek') open && Object.assign(open, { offset: result })
      else if (call === 'write') written(fd, (texts[0] as Buffer).subarray(0, result), undefined)
      else if (call === 'pwrite64') written(fd, (texts[0] as Buffer).subarray(0, result), Number(rest[3]))
      else if (call === 'ftruncate')
        open && events.push({ is: 'truncate', file: open.file, length: Number(rest[1]) })
      else if (call === 'fsync' || call === 'fdatasync') synced(fd)
      else if (call.startsWith('unlink')) removed(inside(paths[0] ?? ''))
      else if (call.startsWith('rename')) moved(inside(paths[0] ?? ''), inside(paths[1] ?? ''))
      else if (open) throw new Error(`${call} on a recorded file is not understood`)
    },
  }
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll('\\x', ''), 'hex')
