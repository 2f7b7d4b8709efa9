import Type, { type Static } from 'typebox'
import { SecurityProfile } from '../../protocol/boarding.ts'
import type { Agent } from '../registry/index.ts'

export const AgentBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  securityProfile: SecurityProfile,
  entityId: Type.String(),
  eTag: Type.String(),
})

export const toBody = ({ id, name, securityProfile, entityId, eTag }: Agent): Static<typeof AgentBody> => ({
  id,
  name,
  securityProfile,
  entityId,
  eTag: String(eTag),
})
