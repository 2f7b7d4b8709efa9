/** Upward MQTT: `tc/<tenant>/<clientId>/<o|i>/<app>_<version>/<tail>`; o = from the agent, i = to it. */
export interface AgentTopics {
  /** Batches (protocol/message.ts). */
  batch: string
  /** Rows of the loss ledger (protocol/gap.ts). */
  gap: string
  /** State of the box (protocol/agent-report.ts). */
  status: string
  /** Insights Hub time series as JSON; without a name, so that only a PUBACK answers. */
  timeSeries: string
  /** Acknowledgements (protocol/ack.ts). */
  ack: string
  /** The data source configuration changed: `{"id","eTag"}`. */
  configuration: string
  /** Commands (protocol/commands.ts), and what becomes of them. */
  command: string
  commandUpdate: string
  /** All that the hub sends. */
  inbound: string
  /** All that the agent may send. */
  outbound: string
}

/** One connection per agent; a second one ends the first. */
export const mqttClientId = (tenant: string, agentId: string): string => `${tenant}_${agentId}`

export function agentTopics(tenant: string, agentId: string): AgentTopics {
  const root = `tc/${tenant}/${mqttClientId(tenant, agentId)}`
  return {
    batch: `${root}/o/ew_v1/b`,
    gap: `${root}/o/ew_v1/gap`,
    status: `${root}/o/ew_v1/status`,
    timeSeries: `${root}/o/mc_v3/ts`,
    ack: `${root}/i/ew_v1/ack`,
    configuration: `${root}/i/ew_v1/dsc`,
    command: `${root}/i/cmd_v3/c`,
    commandUpdate: `${root}/o/cmd_v3/u`,
    inbound: `${root}/i/#`,
    outbound: `${root}/o/#`,
  }
}
