export type StepState = 'ok' | 'warning' | 'failed'

/** What was tried, and what came of it. */
export interface StepResult {
  step: string
  state: StepState
  said: string
}

/** Failure to try is a failure; a step that cannot be made says so by `warning`. */
export interface Step {
  name: string
  run(signal: AbortSignal): Promise<{ state?: StepState; said: string }>
}

/** One after the other, so that the last line before a crash names its cause. */
export async function* runSteps(steps: readonly Step[], signal: AbortSignal): AsyncGenerator<StepResult> {
  for (const { name, run } of steps) yield await resultOf(name, run, signal)
}

async function resultOf(step: string, run: Step['run'], signal: AbortSignal): Promise<StepResult> {
  try {
    signal.throwIfAborted()
    const { state = 'ok', said } = await run(signal)
    return { step, state, said }
  } catch (error) {
    const said = signal.aborted ? 'not done in time' : error instanceof Error ? error.message : String(error)
    return { step, state: 'failed', said }
  }
}
