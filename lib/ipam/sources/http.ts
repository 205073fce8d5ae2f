/**
 * A small GET for metadata services. Loaded only when a source is really asked.
 */
import { get, type IncomingMessage } from 'node:http'
import { SourceError } from '../errors.js'

/** What to get, and the limits. */
export interface GetOptions {
  /** Kind of the source, for messages. */
  readonly source: string
  /** What helps when the server cannot be reached or refuses. */
  readonly cure: string
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  /** Largest body, in bytes. */
  readonly maxBytes: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The body of a 200 answer, as UTF-8. Uses no proxy, whatever the environment says, and
 * follows no redirect. Rejects with SourceError.
 */
export function getText(url: URL, options: GetOptions): Promise<string> {
  const { source, cure, timeoutMs, headers } = options
  const who = `${source} ${url.host}`
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      request.destroy()
      reject(error instanceof SourceError ? error : unreachable(error))
    }
    const unreachable = (error: NodeJS.ErrnoException) => {
      const problem = `${who} cannot be reached: ${error.code ?? error.message}`
      return new SourceError('unreachable', source, problem, cure, { cause: error })
    }
    // An agent of its own has neither a proxy from the environment nor kept connections.
    const request = get(url, { agent: false, headers }, (response) => {
      readBody(response, who, options).then((text) => {
        clearTimeout(timer)
        resolve(text)
      }, fail)
    })
    request.on('error', fail)
    const timer = setTimeout(() => {
      const problem = `${who} did not answer within ${timeoutMs} ms`
      fail(new SourceError('unreachable', source, problem, cure))
    }, timeoutMs)
  })
}

async function readBody(
  response: IncomingMessage,
  who: string,
  { source, cure, maxBytes }: GetOptions,
): Promise<string> {
  const { statusCode, statusMessage = '' } = response
  if (statusCode !== 200) {
    const problem = `${who} answered ${statusCode} ${statusMessage.slice(0, 80)}`.trim()
    throw new SourceError('status', source, problem, cure)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > maxBytes) {
      const problem = `${who} answered more than ${maxBytes} bytes`
      throw new SourceError('invalid', source, problem, 'check what answers there')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
