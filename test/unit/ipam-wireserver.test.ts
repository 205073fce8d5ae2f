import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { buildPools } from '../../dist/esm/ipam/pool.js'
import { parseInterfaces } from '../../dist/esm/ipam/sources/wireserver-xml.js'
import { wireserver, WIRESERVER_URL } from '../../dist/esm/ipam/sources/wireserver.js'
import { nic, nic2 } from './fixtures-ipam/hosts.mjs'

const module = new URL('../../dist/esm/ipam/sources/wireserver.js', import.meta.url).href
const good = readFileSync(new URL('fixtures-ipam/two-nics.xml', import.meta.url), 'utf8')

async function serve(t: Tap, listener: RequestListener, timeoutMs = 5000) {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = new URL(WIRESERVER_URL)
  url.host = host
  return { host, source: wireserver({ url: url.href, timeoutMs }) }
}
type Tap = Pick<typeof t, 'teardown'>

t.test('a good answer', async (t) => {
  const seen: unknown[] = []
  const { source } = await serve(t, (request, response) => {
    seen.push(request.method, request.url)
    response.end(good)
  })
  const interfaces = await source.fetch()
  t.strictSame(seen, ['GET', '/machine/plugins?comp=nmagent&type=getinterfaceinfov1'])
  t.strictSame(interfaces[0], {
    mac: '00:0d:3a:00:00:01',
    primary: true,
    subnets: [
      {
        prefix: '10.0.0.0/24',
        addresses: [
          { address: '10.0.0.4', primary: true },
          { address: '10.0.0.5', primary: false },
          { address: '10.0.0.6', primary: false },
          { address: '10.0.0.7', primary: false },
        ],
      },
      { prefix: 'fd00::/64', addresses: [{ address: 'fd00::4', primary: false }] },
    ],
  })
  const pools = buildPools(interfaces, [nic, nic2])
  t.strictSame(
    pools.map((p) => `${p.nic} ${p.prefix}`),
    ['eth1 10.1.0.0/16', 'eth0 10.0.0.0/24', 'eth0 fd00::/64'],
    'the second NIC comes first',
  )
})

t.test('a proxy in the environment is not used', async (t) => {
  const { host } = await serve(t, (_, response) => response.end(good))
  const script = `
    import { wireserver } from '${module}'
    console.log((await wireserver({ url: 'http://${host}/' }).fetch()).length)`
  const proxy = 'http://127.0.0.1:1'
  const env = { ...process.env, http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: '' }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    // Node 24 and later would turn to the proxy with this.
    { env: { ...env, NODE_USE_ENV_PROXY: '1' } },
  )
  t.equal(stdout, '2\n')
})

t.test('HTTP code is not loaded before it is needed', async (t) => {
  const script = `
    import { wireserver } from '${module}'
    const isLoaded = () => process.moduleLoadList.includes('NativeModule http')
    const source = wireserver({ url: 'http://127.0.0.1:1/' })
    const before = isLoaded()
    await source.fetch().catch(() => {})
    console.log(before, isLoaded())`
  const args = ['--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  t.equal(stdout, 'false true\n')
})

t.test('statuses other than 200', async (t) => {
  for (const status of [500, 404, 204, 302]) {
    const { source, host } = await serve(t, (_, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(good)
    })
    await t.rejects(source.fetch(), {
      name: 'SourceError',
      kind: 'status',
      source: 'wireserver',
      message: new RegExp(`^wireserver ${host} answered ${status} \\w.*; it answers`),
    })
  }
})

t.test('nothing listens', async (t) => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  await t.rejects(wireserver({ url: `http://127.0.0.1:${port}/` }).fetch(), {
    kind: 'unreachable',
    message: `wireserver 127.0.0.1:${port} cannot be reached: ECONNREFUSED; it answers`,
  })
})

t.test('a server that hangs: before, and within, its answer', async (t) => {
  const listeners: RequestListener[] = [
    () => {},
    (_, response) => void response.writeHead(200).write(good.slice(0, 40)),
  ]
  for (const listener of listeners) {
    const { source, host } = await serve(t, listener, 100)
    await t.rejects(source.fetch(), {
      kind: 'unreachable',
      message: `wireserver ${host} did not answer within 100 ms; it answers`,
    })
  }
})

t.test('the limit is for the whole exchange, not for silence', async (t) => {
  const { source } = await serve(
    t,
    (_, response) => {
      const drip = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(drip))
    },
    150,
  )
  await t.rejects(source.fetch(), { kind: 'unreachable', message: /within 150 ms/ })
})

t.test('a connection that breaks within the answer', async (t) => {
  const { source } = await serve(t, (request, response) => {
    response.writeHead(200, { 'content-length': good.length })
    response.write(good.slice(0, 40), () => request.socket.destroy())
  })
  await t.rejects(source.fetch(), { kind: 'unreachable', message: /ECONNRESET/ })
})

t.test('a body without end', async (t) => {
  const { source } = await serve(t, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(65536)));
    }
    response.on('drain', more)
    more()
  })
  await t.rejects(source.fetch(), { kind: 'invalid', message: /more than 1048576 bytes/ })
})

t.test('something that does not speak HTTP', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.end('SSH-2.0-x\r\n')
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const source = wireserver({ url: `http://127.0.0.1:${port}/` })
  await t.rejects(source.fetch(), { kind: 'unreachable', message: /HPE_/ })
})

t.test('garbage over HTTP', async (t) => {
  const { source, host } = await serve(t, (_, response) => response.end('<html>Sorry'))
  await t.rejects(source.fetch(), {
    kind: 'invalid',
    message: `wireserver ${host} gave an answer that cannot be used: it is not XML`,
  })
})

t.test('the URL must be http:', async (t) => {
  t.throws(() => wireserver({ url: 'https://127.0.0.1/' }), TypeError)
  t.throws(() => wireserver({ url: 'nonsense' }), TypeError)
  t.equal(wireserver().kind, 'wireserver')
})

const address = (text: string) => `<IPAddress ${text}/>`
const subnet = (text: string, inner = '') => `<IPSubnet ${text}>${inner}</IPSubnet>`
const nicXml = (text: string, inner = '') => `<Interface ${text}>${inner}</Interface>`
const all = (inner: string) => `<Interfaces>${inner}</Interfaces>`
const one = (inner: string) => all(nicXml('MacAddress="*" IsPrimary="true"', inner))
const inNet = (inner: string) => one(subnet('Prefix="10.0.0.0/24"', inner))

t.test('spellings that are fine', async (t) => {
  t.strictSame(parseInterfaces('<Interfaces/>'), [])
  t.strictSame(
    parseInterfaces('\ufeff<?xml version="1.0"?>\n<Interfaces></Interfaces>'),
    [],
  )
  for (const mac of ['00:0D:3a:12:AB:34', '00-0d-3a-12-ab-34', '000d3A12ab34']) {
    const xml = all(nicXml(`MacAddress="${mac}" IsPrimary="False"`))
    t.strictSame(parseInterfaces(xml), [
      { mac: '00:0d:3a:12:ab:34', primary: false, subnets: [] },
    ])
  }
  const star = inNet(address('Address="10.0.0.4" IsPrimary="TRUE" Extra="1"'))
  t.strictSame(parseInterfaces(star), [
    {
      mac: '*',
      primary: true,
      subnets: [
        { prefix: '10.0.0.0/24', addresses: [{ address: '10.0.0.4', primary: true }] },
      ],
    },
  ])
})

const bomb =
  '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' +
  one(subnet('Prefix="&b;"'))
const unusable: Record<string, [string, string | RegExp]> = {
  'an entity bomb': [bomb, 'it has a DOCTYPE'],
  'an external entity': [
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Interfaces/>',
    'it has a DOCTYPE',
  ],
  'an entity in a value': [
    inNet(address('Address="&#49;0.0.0.4" IsPrimary="true"')),
    'element IPAddress, attribute Address: "&#49;0.0.0.4" is not an IP address',
  ],
  nothing: ['', 'it is not XML'],
  text: ['hello', 'it is not XML'],
  'an element left open': ['<Interfaces><Interface>', 'it is not XML'],
  'deep nesting': [one('<a>'.repeat(5000) + '</a>'.repeat(5000)), 'it is not XML'],
  'another root': ['<html></html>', 'its root is "html", not "Interfaces"'],
  'two roots': ['<Interfaces/><Interfaces/>', 'element Interfaces is repeated'],
  'text as root': ['<Interfaces>x</Interfaces>', 'element Interfaces is text'],
  'no MAC': [
    all(nicXml('IsPrimary="true"')),
    'element Interface has no attribute MacAdd',
  ],
  'an empty interface': [
    all('<Interface/>'),
    'element Interface has no attribute MacAddr',
  ],
  'a short MAC': [
    all(nicXml('MacAddress="00112233" IsPrimary="true"')),
    'element Interface, attribute MacAddress: "00112233" is not a MAC or *',
  ],
  'no flag': [
    all(nicXml('MacAddress="*"')),
    'element Interface has no attribute IsPrimary',
  ],
  'a strange flag': [
    all(nicXml('MacAddress="*" IsPrimary="yes"')),
    'element Interface, attribute IsPrimary: "yes" is not true or false',
  ],
  'no prefix': [one('<IPSubnet/>'), 'element IPSubnet has no attribute Prefix'],
  'a bad prefix': [
    one(subnet('Prefix="10.0.0.0/40"')),
    'element IPSubnet, attribute Prefix: "10.0.0.0/40" is not a CIDR',
  ],
  'a short prefix': [
    one(subnet('Prefix="10/8"')),
    'attribute Prefix: "10/8" is not a CIDR',
  ],
  'no address': [
    inNet(address('IsPrimary="true"')),
    'element IPAddress has no attribute Address',
  ],
  'an address outside': [
    inNet(address('Address="10.0.1.4" IsPrimary="true"')),
    'element IPAddress, attribute Address: "10.0.1.4" is not inside 10.0.0.0/24',
  ],
  'an address of the other family': [
    inNet(address('Address="fd00::1" IsPrimary="true"')),
    'attribute Address: "fd00::1" is not inside 10.0.0.0/24',
  ],
  'an element of Object': ['<__proto__ a="1"/>', /its root is|it is not XML/],
}
for (const [name, [xml, message]] of Object.entries(unusable)) {
  t.test(`unusable: ${name}`, async (t) => {
    t.throws(() => parseInterfaces(xml, 'wireserver x'), {
      name: 'SourceError',
      kind: 'invalid',
      message,
    })
  })
}
