import Type, { type Static } from 'typebox'
import { SecurityProfile } from '../../protocol/boarding.ts'

/** Where the hub is, and who this box is there. */
export const Home = Type.Object({
  tenant: Type.String(),
  agentId: Type.String(),
  profile: SecurityProfile,
  baseUrl: Type.String(),
  mqtt: Type.Optional(Type.String()),
  /** PEM. */
  ca: Type.Optional(Type.String()),
  /** SHA-256 of the initial access token that led here: a used one is known again. */
  iatDigest: Type.String(),
})
export type Home = Static<typeof Home>

export const agentManagement = ({ baseUrl }: Pick<Home, 'baseUrl'>): string =>
  `${baseUrl}/api/agentmanagement/v3`

/** Where a credential is rotated, unless the hub has said otherwise. */
export const registrationUri = (home: Pick<Home, 'agentId' | 'baseUrl'>): string =>
  `${agentManagement(home)}/register/${encodeURIComponent(home.agentId)}`
