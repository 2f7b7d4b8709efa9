import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { readLocalFiles } from './local-files.ts'
import { checkLocalSources } from './offline.ts'
import { stepsOf, tomlLines } from './toml-lines.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-sources-'))
  return () => rm(dir, { recursive: true })
})
const write = (name: string, ...lines: string[]) => writeFile(join(dir, name), lines.join('\n'))

test('every fault of all files is told at once, each with its file and line', async () => {
  await write(
    'a.toml',
    '[[dataSources]]',
    'name = "press"',
    'customData = { protocol = "modbus" }',
    'dataPoints = []',
  )
  await write(
    'b.toml',
    ...[
      '[[dataSources]]',
      'name = "box"',
      'dataPoints = []',
      '[dataSources.customData]',
      'protocol = "system"',
    ],
    ...['interval = "1ms"', '', '[[dataSources]]', 'name = "press"', 'customData.protocol = "telepathy"'],
    ...['[[dataSources.dataPoints]]', 'id = "x"', 'name = "x"', 'type = "DOUBLE"'],
  )
  await write('c.toml', '[[dataSources]]', 'name = 7')
  await write('d.toml', 'name = "unclosed')
  await write('.hidden.toml', 'nonsense')
  const { faults } = await readLocalFiles(dir)
  expect(faults).toEqual([
    expect.stringMatching(/c\.toml:1: dataSources\[0\]: must have required properties dataPoints/),
    expect.stringMatching(/c\.toml:2: dataSources\[0\]\.name: must be string/),
    expect.stringMatching(/d\.toml:1: Invalid TOML/),
    expect.stringMatching(/b\.toml:9: dataSources\[1\]\.name: "press" is the name of another/),
  ])
  await expect(checkLocalSources(dir, { minIntervalMs: 100 })).rejects.toMatchObject({
    details: expect.arrayContaining([
      expect.stringMatching(/a\.toml:3: dataSources\[0\]\.customData: must have required properties address/),
      expect.stringMatching(/b\.toml:6: dataSources\[0\]\.customData\.interval: "1ms" is shorter/),
      expect.stringMatching(
        /b\.toml:10: dataSources\[1\]\.customData\.protocol: unknown protocol "telepathy"/,
      ),
    ]),
  })
})

test('a file that everybody may write is refused: it may say which command is run', async () => {
  await write('a.toml', 'dataSources = []')
  await chmod(join(dir, 'a.toml'), 0o666)
  const { faults } = await readLocalFiles(dir)
  expect(faults).toEqual([expect.stringContaining('a.toml: everybody may write it')])
  await chmod(join(dir, 'a.toml'), 0o644)
  await chmod(dir, 0o777)
  expect((await readLocalFiles(dir)).faults).toEqual([
    `${dir}: everybody may write it; run "chmod o-w" on it`,
  ])
})

test('a folder that is not there says nothing', async () => {
  expect(await readLocalFiles(join(dir, 'none'))).toMatchObject({ dataSources: [], faults: [], paths: [] })
})

test('a place in a document is found at its line, or at that of what encloses it', () => {
  const lines = tomlLines('[[a]]\nb = { c = 1 }\n[[a.d]]\n"e f" = 1\n[[a.d]]\ng.h = 2\n[[a]]\n[a.b]\nc = 2\n')
  const at = (path: string) => lines.of(stepsOf(path))
  expect(
    ['a[0].b.c', 'a[0].d[0].e f', 'a[0].d[1].g.h', 'a[0].d[1].x', 'a[1]', 'a[1].b.c', 'z'].map(at),
  ).toEqual([2, 4, 6, 5, 7, 9, 1])
})
