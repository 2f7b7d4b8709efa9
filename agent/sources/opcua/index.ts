import { join } from 'node:path'
import { polling } from '../device.ts'
import { intervalMs } from '../interval.ts'
import { type Protocol, protocol } from '../source.ts'
import { check } from './check.ts'
import { createOpcuaDevice } from './device.ts'
import { isInstalled } from './installed.ts'
import { Point, Source } from './settings.ts'
import { openStack } from './stack.ts'

/** How often a source that subscribes looks whether something is amiss. */
const lookMs = 1_000
/** Loading the stack and making a key take their time on a small box; each request has its own limit. */
const openLimitMs = 120_000

/** By what all sources share the process with the stack. */
export const stackKey = 'opcua'

/** Its own folder, in the form that tools of OPC UA know. */
export const pkiDirOf = (pkiDir: string): string => join(pkiDir, 'opcua')

/** OPC UA; reads only. */
export const opcuaOf = (installation: { isInstalled(): boolean }): Protocol =>
  protocol({
    customData: { source: Source, point: Point },
    suppliesRange: true,
    trial: 'beside',
    check,
    create({ custom, points }, context) {
      return {
        async run(signal) {
          const { clock, random, log } = context
          await using shared = context.share(stackKey, () =>
            openStack({ clock, random, log, ...installation }),
          )
          const pollMs = intervalMs(custom.interval ?? '1s')
          const tickMs = custom.mode === 'poll' ? pollMs : Math.min(pollMs, lookMs)
          const device = createOpcuaDevice(shared.value, context, {
            ...{ custom, points, pollMs },
            pkiDir: pkiDirOf(context.pkiDir),
          })
          const report: typeof context.report = (state) => {
            const note = state.at === 'connected' ? device.note() : undefined
            context.report(note === undefined ? state : { at: 'connected', note })
          }
          const poll = polling({ ...context, report }, { intervalMs: tickMs, timeoutMs: openLimitMs }, device)
          await poll(signal)
        },
      }
    },
  })

export const opcua = opcuaOf({ isInstalled })
