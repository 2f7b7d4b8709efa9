import { BroadcastChannel, isMainThread } from 'node:worker_threads'

/**
 * Loaded by NODE_OPTIONS into the main thread and every other of a real daemon: SIGUSR2 hangs the thread
 * that owns the outbox, SIGWINCH the event loop, as a dead disk or an endless loop would.
 */
const channel = new BroadcastChannel('hang')
const hang = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
if (isMainThread) {
  process.on('SIGUSR2', () => channel.postMessage('now'))
  process.on('SIGWINCH', hang)
} else if (process.argv[1]?.endsWith('/outbox/thread.ts')) {
  channel.onmessage = hang
}
channel.unref()
