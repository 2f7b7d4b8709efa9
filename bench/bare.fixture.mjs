import { createServer } from 'node:http'

/** The least that a daemon in Node can be: one listener, a ready line, a timer. */
const server = createServer((_request, response) => response.end('ok'))
server.listen(0, '127.0.0.1', () => process.stdout.write('{"ready":true}\n'))
setInterval(() => {}, 60_000)
