import { sideBySide } from './side-by-side.ts'
const dp = (custom: any[]) => custom.map((customData, k) => ({ id: `p${k}`, name: `p${k}`, type: 'DOUBLE' as const, customData }))
const src = (interval: string, custom: any[]) => ({ by: 'edgeward' as const, dir: '/tmp/zz', dataSource: { name: 'x', customData: { protocol: 'system', interval }, dataPoints: dp(custom) } })
const one = [{ metric: 'load.1' }]
console.log(await sideBySide({ slow: src('1s', one), fast: src('200ms', one), }, { windows: 1, windowMs: 15000, warmMs: 5000, say: (t) => console.log(t) }))
