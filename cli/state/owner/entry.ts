import { errorShape } from '../../../core/errors.ts'
import { type Writing, writeState } from '../written.ts'
import { type Answer, targetFd } from './index.ts'

/** Runs as the owner of the state; ends with its answer, or with the process that started it. */
const tell = (answer: Answer): void => {
  process.send?.(answer, undefined, undefined, () => process.exit())
}

process.once('disconnect', () => process.exit(1))
process.once('message', (writing) => {
  writeState(writing as Writing, targetFd).then(
    (written) => tell({ written }),
    (error) => tell({ error: errorShape(error) }),
  )
})
