import { execFile } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { getText, type HttpOptions } from '../../dist/esm/host/http.js'

/** Longer than any answer here takes, on any machine. */
const LIMITS: HttpOptions = { timeoutMs: 10 * 60_000, maxBytes: 1000 }
const SOON: HttpOptions = { timeoutMs: 50, maxBytes: 1000 }

type Tap = Pick<typeof t, 'teardown'>

/** A server on loopback; answers with its URL. */
async function serve(t: Tap, listener: RequestListener): Promise<URL> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`)
}

async function serveTcp(t: Tap, talk: (socket: Socket) => void): Promise<URL> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    talk(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

t.test('the body of an answer, and what was asked', async (t) => {
  const seen: unknown[] = []
  const url = await serve(t, (request, response) => {
    const { method, url: path, headers } = request
    seen.push(method, path, headers['metadata'], headers.host, headers.connection)
    response.write('gr')
    // A character in two parts.
    response.write(Buffer.from([0xc3]))
    response.end(Buffer.from([0xbc, 0xc3, 0x9f, 0x65]))
  })
  const text = await getText(url, { ...LIMITS, headers: { Metadata: 'true' } })
  t.equal(text, 'grüße')
  t.strictSame(seen, ['GET', '/a?b=c', 'true', url.host, 'close'])
})

t.test('an empty body is one', async (t) => {
  const url = await serve(t, (_, response) => response.end())
  t.equal(await getText(url, LIMITS), '')
})

t.test('statuses other than 200; a redirect is not followed', async (t) => {
  for (const status of [500, 404, 204, 302]) {
    const url = await serve(t, (_, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('x')
    })
    await t.rejects(getText(url, LIMITS), {
      name: 'HttpError',
      kind: 'status',
      message: new RegExp(`^answered ${status} \\w`),
    })
  }
})

t.test('a status with a long text is shown in part', async (t) => {
  const url = await serve(t, (_, response) =>
    response.writeHead(500, 'x'.repeat(1000)).end(),
  )
  await t.rejects(getText(url, LIMITS), {
    kind: 'status',
    message: /^answered 500 x{80}$/,
  })
})

t.test('nothing listens', async (t) => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  await t.rejects(getText(new URL(`http://127.0.0.1:${port}/`), LIMITS), {
    name: 'HttpError',
    kind: 'unreachable',
    message: 'cannot be reached: ECONNREFUSED',
    cause: { code: 'ECONNREFUSED' },
  })
})

t.test('a server that hangs: before, and within, its answer', async (t) => {
  const listeners: RequestListener[] = [
    () => {},
    (_, response) => void response.writeHead(200).write('begun'),
    // The limit is for the whole exchange, not for silence.
    (_, response) => {
      const drip = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(drip))
    },
  ]
  for (const listener of listeners) {
    const url = await serve(t, listener)
    await t.rejects(getText(url, SOON), {
      name: 'HttpError',
      kind: 'unreachable',
      message: 'did not answer within 50 ms',
    })
  }
})

t.test('a connection that breaks within the answer', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('begun', () => request.socket.destroy())
  })
  await t.rejects(getText(url, LIMITS), { kind: 'unreachable', message: /ECONNRESET/ })
})

t.test('a body of the largest size, and one of a byte more', async (t) => {
  const url = await serve(t, (request, response) => {
    const size = request.headers['x-size']
    response.end('x'.repeat(Number(size)))
  })
  const ask = (size: string) => getText(url, { ...LIMITS, headers: { 'x-size': size } })
  t.equal((await ask('1000')).length, 1000)
  await t.rejects(ask('1001'), {
    name: 'HttpError',
    kind: 'too-large',
    message: 'answered more than 1000 bytes',
  })
})

t.test('a body without end is given up, and so is its connection', async (t) => {
  let closed = () => {}
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve
  })
  const url = await serve(t, (request, response) => {
    request.socket.on('close', closed)
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(65536)));
    }
    response.on('drain', more)
    more()
  })
  await t.rejects(getText(url, LIMITS), { name: 'HttpError', kind: 'too-large' })
  await isClosed
})

t.test('something that does not speak HTTP', async (t) => {
  const url = await serveTcp(t, (socket) => socket.end('SSH-2.0-x\r\n'))
  await t.rejects(getText(url, LIMITS), { kind: 'unreachable', message: /HPE_/ })
})

t.test('something that says nothing and hangs up', async (t) => {
  const url = await serveTcp(t, (socket) => socket.destroy())
  await t.rejects(getText(url, LIMITS), { kind: 'unreachable', message: /ECONNRESET/ })
})

t.test('a proxy in the environment is not used', async (t) => {
  const url = await serve(t, (_, response) => response.end('direct'))
  const module = new URL('../../dist/esm/host/http.js', import.meta.url).href
  const script = `
    import { getText } from '${module}'
    const limits = ${JSON.stringify(LIMITS)}
    console.log(await getText(new URL('${url.href}'), limits))`
  const proxy = 'http://127.0.0.1:1'
  const env = { ...process.env, http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: '' }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    // Node 24 and later would turn to the proxy with this.
    { env: { ...env, NODE_USE_ENV_PROXY: '1' } },
  )
  t.equal(stdout, 'direct\n')
})

t.test('HTTP and child processes are not loaded before they are needed', async (t) => {
  const module = new URL('../../dist/esm/host/process-host.js', import.meta.url).href
  const script = `
    import { HostProcess, processHost } from '${module}'
    const isLoaded = (name) => process.moduleLoadList.includes('NativeModule ' + name)
    const both = () => [isLoaded('http'), isLoaded('child_process')]
    const host = processHost(new HostProcess(process.pid), {})
    void [host.self, host.stateDir, host.bootId()]
    const before = both()
    await host.http(new URL('http://127.0.0.1:1/'), ${JSON.stringify(LIMITS)}).catch(() => {})
    const between = both()
    const request = { file: '/bin/true', env: {}, input: '', timeoutMs: 60_000 }
    await host.exec(request)
    console.log(JSON.stringify([before, between, both()]))`
  // Without tap's hooks, which load child_process themselves.
  const { stdout } = await promisify(execFile)('env', [
    ...['-u', 'NODE_OPTIONS', process.execPath],
    ...['--input-type=module', '-e', script],
  ])
  t.strictSame(JSON.parse(stdout), [
    [false, false],
    [true, false],
    [true, true],
  ])
})
