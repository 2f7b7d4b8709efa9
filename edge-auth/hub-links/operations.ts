import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { HubLinks } from './hub-links.ts'

const app = { name: Type.String(), version: Type.Optional(Type.String()) }
const strict = { additionalProperties: false }
/** What may stand in a Basic header. */
const hubClientId = Type.String({ pattern: '^[!-9;-~]{1,128}$' })
const hubSecret = Type.String({ pattern: '^[!-~]{1,256}$' })
const parseLink = parser(Type.Object({ ...app, hubClientId, hubSecret }, strict))
const parseUnlink = parser(Type.Object(app, strict))

/** The hub's secret comes in, and is never in an answer. */
export const hubLinkOperations = (links: HubLinks): Operations => ({
  async 'app.linkHub'(params) {
    const { name, version, ...hub } = parseLink(params, 'app.linkHub')
    const link = await links.link(name, version, hub)
    return { client_id: name, version: link.version, hub_client_id: link.hubClientId }
  },
  async 'app.unlinkHub'(params) {
    const { name, version } = parseUnlink(params, 'app.unlinkHub')
    return { client_id: name, version: (await links.unlink(name, version)).version }
  },
})
