import { statusCode } from '../../../protocol/reading.ts'
import { DeviceError } from '../device-error.ts'

/** The server answered, and not with what it was asked for. */
export function refusedWith(status: number, { host }: URL): DeviceError {
  const { what, cure } = known(status)
  return new DeviceError(`http_${status}`, `${host} answers ${status}${what}`, { cure })
}

function known(status: number): { what: string; cure: string } {
  if (status === 401 || status === 403)
    return { what: ', not allowed', cure: 'Check the file that the source names in credential.' }
  if (status === 404 || status === 410) return { what: ', nothing there', cure: 'Check the path of the url.' }
  if (status === 405) return { what: ', not this method', cure: 'Try "method":"POST", or GET.' }
  if (status === 429) return { what: ', too many requests', cure: 'Choose a longer interval.' }
  if (status >= 300 && status < 400)
    return {
      what: ', a redirect',
      cure: 'Write the url that it leads to; only those on the same server are followed.',
    }
  if (status >= 500) return { what: ', a failure of its own', cure: 'See the log of the server.' }
  return { what: '', cure: 'See the log of the server, and check the url, headers and body.' }
}

export const notHeaders = (name: string) =>
  new DeviceError('no_credential', `the credential ${name} does not hold headers, one a line`, {
    cure: 'Write lines such as "Authorization: Bearer …" into the file.',
  })

/** What the points of a server that does not give values get. */
export function qualityOf({ reason }: DeviceError): number {
  const status = Number(/^http_(\d+)$/.exec(reason)?.[1])
  if (status === 401 || status === 403) return statusCode.badUserAccessDenied
  if (status === 404 || status === 410) return statusCode.badNotFound
  if (status === 408 || status === 504 || reason === 'timeout' || reason === 'unreachable_timeout')
    return statusCode.badTimeout
  if (status === 429 || status === 503) return statusCode.badResourceUnavailable
  if (status >= 500) return statusCode.badDeviceFailure
  if (status > 0) return statusCode.badConfigurationError
  return reason === 'unreachable_answer' ? statusCode.badCommunicationError : statusCode.badNotConnected
}
