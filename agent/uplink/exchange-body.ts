const meta = 'application/vnd.siemens.mindsphere.meta+json'

/** One time series as the body of an exchange: multipart/mixed of one tuple, meta data and payload. */
export function exchangeBody(
  piece: string,
  { configurationId, boundary }: { configurationId: string; boundary: string },
): { contentType: string; body: string } {
  const [outer, inner] = [`${boundary}-m`, `${boundary}-r`]
  const details = { configurationId }
  const payload = { type: 'standardTimeSeries', version: '1.0', details }
  const lines = [
    `--${outer}`,
    `Content-Type: multipart/related;boundary=${inner}`,
    '',
    `--${inner}`,
    `Content-Type: ${meta}`,
    '',
    JSON.stringify({ type: 'item', version: '1.0', payload }),
    `--${inner}`,
    'Content-Type: application/json',
    '',
    `[${piece}]`,
    `--${inner}--`,
    `--${outer}--`,
    '',
  ]
  return { contentType: `multipart/mixed;boundary=${outer}`, body: lines.join('\r\n') }
}

/** What stands around the piece. */
export const exchangeOverheadBytes = 600
