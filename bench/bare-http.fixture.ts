import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The least that a Node server can do: the same answer to everything. `node bare-http.fixture.ts BODY` */
const body = process.argv[2] as string
const headers = {
  'content-type': 'application/json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
}
const server = createServer((_request, response) => {
  response.writeHead(200, headers)
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`http://127.0.0.1:${port}/\n`)
})
