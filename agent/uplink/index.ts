/** Delivers batches to the hub and tells what the hub announces. */
export interface Uplink {
  /** Connects, delivers and reconnects until aborted. */
  run(signal: AbortSignal): Promise<void>
  status(): UplinkStatus
}

export interface UplinkStatus {
  state: 'waiting' | 'connecting' | 'connected' | 'disconnected'
  /** Why it is not connected, for people. */
  reason?: string
  /** Address of the far side. */
  target?: string
  /** Batches sent and not acknowledged. */
  inFlight: number
  /** Since this start. */
  acknowledgedBatches: number
  /** Epoch milliseconds of the last acknowledgement. */
  lastAckAt?: number
}
