import mqttPacket from 'mqtt-packet'

/**
 * The codec of aedes and mqtt writes numbers from a table of 65 536 buffers, which it makes with the first
 * packet: 11 MB and 30 ms. After this, each number is written when it comes.
 */
export function writeNumbersAsTheyCome(): void {
  mqttPacket.writeToStream.cacheNumbers = false
}
