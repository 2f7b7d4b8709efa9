import { main } from '../../cli/index.ts'
import { runForked } from '../../core/program.ts'

// Where the single executable begins. Deprecations in Node are for who builds it, not for who runs it.
process.noDeprecation = true
if (!runForked(process.argv)) void main(process.argv.slice(2))
