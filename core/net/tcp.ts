import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'

/** The next address is tried when one has not answered by then; the last may take all the time there is. */
const attemptMs = 2_000

export interface Address {
  address: string
  family: number
}

/** Asks the DNS anew each time. Rejects with the resolver's error, or the signal's reason. */
export async function addressesOf(host: string, signal: AbortSignal): Promise<Address[]> {
  const family = isIP(host)
  if (family) return [{ address: host, family }]
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([lookup(host, { all: true }), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Tries all addresses. Rejects with the socket's error, or the signal's reason. */
export async function dial(addresses: Address[], port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({
    host: 'resolved', // has been; a name makes it ask `lookup`, which knows all addresses
    port,
    lookup: (_host, _options, done) => done(null, addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptMs,
    noDelay: true,
  })
  return ready(socket, 'connect', signal)
}

/** Resolves when the socket tells the event; otherwise it is destroyed, and what went wrong thrown. */
export async function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  socket.on('error', () => {}) // who uses the socket listens too; nobody's error may end the process
  const closed = Promise.withResolvers<never>()
  const onClose = () => closed.reject(new Error('the connection was closed'))
  socket.once('close', onClose)
  try {
    await Promise.race([once(socket, event, { signal }), closed.promise])
    return socket
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    socket.off('close', onClose)
  }
}
