/**
 * A small GET for metadata services. Loaded only when a source is really asked.
 */
import { get, type IncomingMessage } from 'node:http'

/** The limits of a GET. */
export interface HttpOptions {
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  /** Largest body, in bytes. */
  readonly maxBytes: number
  readonly headers?: Readonly<Record<string, string>>
}

/** What went wrong: no contact, a wrong status, or a body that is too large. */
export type HttpFailure = 'unreachable' | 'status' | 'too-large'

/** A GET that gave no body. The message has no subject: `did not answer within 5000 ms`. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly kind: HttpFailure

  constructor(kind: HttpFailure, problem: string, options?: ErrorOptions) {
    super(problem, options)
    this.kind = kind
  }
}

/**
 * The body of a 200 answer, as UTF-8. Uses no proxy, whatever the environment says, and
 * follows no redirect. Rejects with HttpError.
 */
export function getText(url: URL, options: HttpOptions): Promise<string> {
  const { timeoutMs, headers } = options
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      request.destroy()
      reject(error instanceof HttpError ? error : unreachable(error))
    }
    // An agent of its own has neither a proxy from the environment nor kept connections.
    const request = get(url, { agent: false, headers }, (response) => {
      readBody(response, options).then((text) => {
        clearTimeout(timer)
        resolve(text)
      }, fail)
    })
    request.on('error', fail)
    const timer = setTimeout(() => {
      fail(new HttpError('unreachable', `did not answer within ${timeoutMs} ms`))
    }, timeoutMs)
  })
}

function unreachable(error: NodeJS.ErrnoException): HttpError {
  const problem = `cannot be reached: ${error.code ?? error.message}`
  return new HttpError('unreachable', problem, { cause: error })
}

async function readBody(
  response: IncomingMessage,
  { maxBytes }: HttpOptions,
): Promise<string> {
  const { statusCode, statusMessage = '' } = response
  if (statusCode !== 200) {
    const problem = `answered ${statusCode} ${statusMessage.slice(0, 80)}`.trim()
    throw new HttpError('status', problem)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > maxBytes) {
      throw new HttpError('too-large', `answered more than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
