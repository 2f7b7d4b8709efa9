import { statusCode } from '../../../protocol/reading.ts'
import { polling } from '../device.ts'
import type { DeviceError } from '../device-error.ts'
import { readDocument } from '../document.ts'
import { intervalMs } from '../interval.ts'
import { messageOf } from '../message.ts'
import { protocol } from '../source.ts'
import { bad, typed } from '../typed.ts'
import { failedWith, runProgram } from './program.ts'
import { check, Point, Source } from './settings.ts'

/** Runs a program on schedule; what it writes is the document. */
export const command = protocol({
  customData: { source: Source, point: Point },
  localOnly: true,
  trial: 'beside',
  check,

  create({ custom, points }, context) {
    const { command: file, arguments: args = [], interval = '60s', timeout = '10s' } = custom
    const takesAnyCode = points.some((point) => point.custom.exitCode)
    return {
      run: polling(
        context,
        { intervalMs: intervalMs(interval), timeoutMs: intervalMs(timeout) },
        {
          connect: async () => {},
          async read(signal) {
            const ended = await runProgram(file, args, signal)
            if (ended.exitCode !== 0 && !takesAnyCode) throw failedWith(file, ended)
            const received = context.stamp()
            const message = messageOf(ended.output)
            return points.flatMap((point) =>
              point.custom.exitCode
                ? [{ point: point.id, ...typed(ended.exitCode, point.type), ...received }]
                : readDocument(message, point, received),
            )
          },
          close: async () => {},
          unavailable: (error) =>
            points.map(({ id }) => ({
              point: id,
              ...bad(error.reason, qualityOf(error)),
              ...context.stamp(),
            })),
        },
      ),
    }
  },
})

const qualityOf = ({ reason }: DeviceError): number =>
  reason === 'timeout' ? statusCode.badTimeout : statusCode.badDeviceFailure
