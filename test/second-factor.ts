import { createHmac } from 'node:crypto'

/** The other side of a second factor: a browser that keeps the form's cookie, and an authenticator app. */

type Send = (
  path: string,
  question?: { method: string; headers: Record<string, string>; body: URLSearchParams },
) => Promise<{
  status: number
  text: string
  headers: { location?: string | undefined }
  setCookies: string[]
}>

export interface Shown {
  status: number
  text: string
  title: string
  location: string | undefined
  /** `access_token=…`, when it was set. */
  session: string | undefined
}

const login = '/device/edge/auth/login'

/** One person at the login page. */
export function createVisitor(send: Send) {
  let hidden: Record<string, string> = {}
  let cookie = ''
  const show = async (asked: ReturnType<Send>): Promise<Shown> => {
    const { status, text, headers, setCookies } = await asked
    const fields = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)]
    hidden = Object.fromEntries(fields.map(([, name, value]) => [name, value]))
    cookie = setCookies.find((one) => one.startsWith('edgeward_login=')) ?? cookie
    const session = setCookies.find((one) => /^access_token=[^;]/.test(one))
    const title = /<title>([^<]*)</.exec(text)?.[1] ?? ''
    return { status, text, title, location: headers.location, session: session?.split(';')[0] }
  }
  return {
    open: (query = '') => show(send(login + query)),
    /** Sends the form of the page that is shown, or one that the page did not have. */
    submit: (fields: Record<string, string>, path = '') =>
      show(
        send(login + path, {
          method: 'POST',
          headers: { cookie: cookie.split(';')[0] as string },
          body: new URLSearchParams({ ...hidden, ...fields }),
        }),
      ),
    get hidden() {
      return hidden
    },
  }
}

/** What an app keeps: the secret as it is written on the page. */
export function scan(page: string): Buffer {
  const written = /<code>([A-Z2-7 ]{32,})<\/code>/.exec(page)?.[1]
  if (written === undefined) throw new Error('the page shows no secret')
  return fromBase32(written.replaceAll(' ', ''))
}

/** RFC 6238 once more, as an app does it. */
export function codeAt(secret: Uint8Array, ms: number): string {
  const counter = Buffer.alloc(8)
  counter.writeUInt32BE(Math.floor(ms / 30_000), 4)
  const mac = createHmac('sha1', secret).update(counter).digest()
  const part = mac.subarray((mac[19] as number) & 15).readUInt32BE() & 0x7fffffff
  return `${part % 1_000_000}`.padStart(6, '0')
}

/** A code that no step around this moment has. */
export function wrongCode(secret: Uint8Array, ms: number): string {
  const good = [-2, -1, 0, 1, 2].map((steps) => codeAt(secret, ms + steps * 30_000))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(
    (code) => !good.includes(code),
  ) as string
}

export const recoveryCodes = (page: string): string[] =>
  [...page.matchAll(/<li><code>([a-z2-7-]+)<\/code><\/li>/g)].map(([, code]) => code as string)

function fromBase32(text: string): Buffer {
  const bits = [...text]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
}
