import { EdgeError } from '../../core/errors.ts'

/** Nothing that the hub would send gets to this agent. */
export class CommandsDoNotReach extends EdgeError {
  override readonly name = 'CommandsDoNotReach'
  readonly code = 'commands_do_not_reach'
  override readonly statusCode = 409
  override readonly exitCode = 4
  override readonly cure =
    'Commands need the MQTT uplink: onboard the box with a boarding configuration of this hub, and see that it connects once.'
}
