/** Where the measurements of apps go. The same topics and bindings as on the broker. */
export interface Measurements {
  mayPublish(clientId: string, topic: string): boolean
  /** Whether a data point is bound to the topic. */
  isBound(topic: string): boolean
  /** Resolves when the readings are kept; rejects when they are not. */
  take(topic: string, document: unknown): Promise<void> | undefined
}
