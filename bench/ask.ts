import { type Agent, request } from 'node:http'

export interface Question {
  method?: string
  headers?: Record<string, string>
  body?: string
  agent?: Agent
}

/** Over a connection that the agent keeps; anything but 200 is a failure. */
export function ask(url: URL, { method = 'GET', headers = {}, body, agent }: Question = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asking = request(url, { method, headers, ...(agent ? { agent } : {}) }, (answer) => {
    let text = ''
    answer.on('data', (chunk) => {
      text += chunk
    })
    answer.once('end', () => {
      if (answer.statusCode === 200) resolve(text)
      else reject(new Error(`${url.pathname} answered ${answer.statusCode}`))
    })
  })
  asking.once('error', reject)
  asking.end(body)
  return promise
}
