import type { WireFault } from '../messages.ts'

/** The stack puts what happened into the text of its errors. */
export function wireFault(error: unknown): WireFault {
  const { message, code } = (
    error instanceof Error ? error : new Error(String(error))
  ) as NodeJS.ErrnoException
  const errno =
    /\b(ECONNREFUSED|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)\b/.exec(
      `${code ?? ''} ${message}`,
    )?.[1]
  const status = statusName(error) ?? /\bBad[A-Z][A-Za-z]+/.exec(message)?.[0]
  return {
    message: oneLine(message),
    ...(errno === undefined ? {} : { errno }),
    ...(status === undefined ? {} : { status }),
  }
}

/** Of the answer by which a server refused a request. */
function statusName(error: unknown): string | undefined {
  const { response } = error as { response?: { responseHeader?: { serviceResult?: { name?: string } } } }
  const name = response?.responseHeader?.serviceResult?.name
  return name?.startsWith('Bad') ? name : undefined
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)
