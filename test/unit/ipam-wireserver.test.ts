import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { getText } from '../../dist/esm/host/http.js'
import { buildPools } from '../../dist/esm/ipam/pool.js'
import { parseInterfaces } from '../../dist/esm/ipam/sources/wireserver-xml.js'
import { wireserver, WIRESERVER_URL } from '../../dist/esm/ipam/sources/wireserver.js'
import { nic, nic2 } from './fixtures-ipam/hosts.mjs'

const esm = new URL('../../dist/esm/', import.meta.url).href
const warned: string[] = []
const context = {
  host: { http: getText },
  warn: (message: string) => void warned.push(message),
}
/** The source in a program of its own, over the HTTP code that a process has. */
const program = `
    import { HostProcess, processHost } from '${esm}host/process-host.js'
    import { wireserver } from '${esm}ipam/sources/wireserver.js'
    const host = processHost(new HostProcess(process.pid), process.env)
    const at = (url) => wireserver({ host, warn: console.error }, { url })`
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
  return { host, source: wireserver(context, { url: url.href, timeoutMs }) }
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
  const script = `${program}
    console.log((await at('http://${host}/').fetch()).length)`
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
  const script = `${program}
    const isLoaded = () => process.moduleLoadList.includes('NativeModule http')
    const source = at('http://127.0.0.1:1/')
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
  await t.rejects(wireserver(context, { url: `http://127.0.0.1:${port}/` }).fetch(), {
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
  const source = wireserver(context, { url: `http://127.0.0.1:${port}/` })
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
  t.throws(() => wireserver(context, { url: 'https://127.0.0.1/' }), TypeError)
  t.throws(() => wireserver(context, { url: 'nonsense' }), TypeError)
  t.equal(wireserver(context).kind, 'wireserver')
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

// One whole NIC, beside which stands what is not understood.
const whole = nicXml(
  'MacAddress="000D3A000001" IsPrimary="true"',
  subnet(
    'Prefix="10.0.0.0/24"',
    address('Address="10.0.0.4" IsPrimary="true"') +
      address('Address="10.0.0.5" IsPrimary="false"'),
  ),
)
const [nicOfWhole] = parseInterfaces(all(whole))
const inWhole = (more: string) => all(whole.replace('</IPSubnet>', `${more}</IPSubnet>`))
const besideSubnet = (more: string) =>
  all(whole.replace('</Interface>', `${more}</Interface>`))
const passedOver: Record<string, [string, string]> = {
  'a block of addresses': [
    inWhole(address('Address="10.0.0.16/28" IsPrimary="false"')),
    'element IPAddress, attribute Address: "10.0.0.16/28" is not an IP address',
  ],
  'no address': [
    inWhole(address('IsPrimary="false"')),
    'element IPAddress has no attribute Address',
  ],
  'an empty address': [
    inWhole(address('Address="" IsPrimary="false"')),
    'element IPAddress, attribute Address: "" is not an IP address',
  ],
  'an address outside': [
    inWhole(address('Address="10.0.1.4" IsPrimary="false"')),
    'element IPAddress, attribute Address: "10.0.1.4" is not inside 10.0.0.0/24',
  ],
  'an address of the other family': [
    inWhole(address('Address="fd00::1" IsPrimary="false"')),
    'element IPAddress, attribute Address: "fd00::1" is not inside 10.0.0.0/24',
  ],
  'an address that may be the host’s own': [
    inWhole(address('Address="10.0.0.6"')),
    'element IPAddress has no attribute IsPrimary',
  ],
  'an address with a strange flag': [
    inWhole(address('Address="10.0.0.6" IsPrimary="maybe"')),
    'element IPAddress, attribute IsPrimary: "maybe" is not true or false',
  ],
  'text among addresses': [inWhole('hello'), 'element IPSubnet holds the text "hello"'],
  'an address that is text': [
    inWhole('<IPAddress>10.0.0.6</IPAddress>'),
    'element IPAddress holds the text "10.0.0.6"',
  ],
  'an unknown element in a subnet': [
    inWhole('<Block Prefix="10.0.0.16/28"/>'),
    'element IPSubnet holds Block, which is not known: {"@Prefix":"10.0.0.16/28"}',
  ],
  'an unknown element in an address': [
    all(
      whole.replace(
        '"10.0.0.5" IsPrimary="false"/>',
        '"10.0.0.5" IsPrimary="false"><Note/></IPAddress>',
      ),
    ),
    'element IPAddress holds Note, which is not known: ""',
  ],
  'a broken prefix': [
    besideSubnet(
      subnet('Prefix="10.9.0.0"', address('Address="10.9.0.5" IsPrimary="false"')),
    ),
    'element IPSubnet, attribute Prefix: "10.9.0.0" is not a CIDR',
  ],
  'no prefix': [besideSubnet('<IPSubnet/>'), 'element IPSubnet has no attribute Prefix'],
  'an unknown element in a NIC': [
    besideSubnet('<Speed>100</Speed>'),
    'element Interface holds Speed, which is not known: "100"',
  ],
  'a broken MAC': [
    all(nicXml('MacAddress="00112233" IsPrimary="true"') + whole),
    'element Interface, attribute MacAddress: "00112233" is not a MAC or *',
  ],
  'no MAC': [
    all(whole + '<Interface/>'),
    'element Interface has no attribute MacAddress',
  ],
  'a NIC that is text': [
    all(whole + '<Interface>eth1</Interface>'),
    'element Interface holds the text "eth1"',
  ],
  'an unknown element beside the NICs': [
    all(whole + '<InfiniBand Guid="1"/>'),
    'element Interfaces holds InfiniBand, which is not known: {"@Guid":"1"}',
  ],
}
for (const [name, [xml, problem]] of Object.entries(passedOver)) {
  t.test(`passed over: ${name}`, async (t) => {
    const problems: string[] = []
    const found = parseInterfaces(xml, 'wireserver', (text) => void problems.push(text))
    t.strictSame(found, [nicOfWhole], 'the rest is used')
    t.ok(problems.includes(problem), problems.join('; '))
  })
}

t.test('a NIC that is not known to be the first is used after the others', async (t) => {
  for (const flag of ['', 'IsPrimary="maybe"']) {
    const problems: string[] = []
    const xml = all(whole.replace('IsPrimary="true"', flag))
    t.strictSame(
      parseInterfaces(xml, 'x', (text) => void problems.push(text)),
      [{ ...nicOfWhole, primary: true }],
    )
    t.match(problems, [/^element Interface.* IsPrimary/])
  }
})

t.test('what is passed over goes to the log, line by line, within bounds', async (t) => {
  const blocks = Array.from({ length: 40 }, (_, i) =>
    address(`Address="10.0.0.${i}/28" IsPrimary="false"`),
  )
  const { source, host } = await serve(t, (_, response) =>
    response.end(inWhole(blocks.join(''))),
  )
  warned.length = 0
  t.strictSame(await source.fetch(), [nicOfWhole])
  const line = (i: number) =>
    `wireserver ${host}: element IPAddress, attribute Address: "10.0.0.${i}/28" ` +
    'is not an IP address: passed over'
  t.equal(warned.length, 33)
  t.strictSame([warned[0], warned[31]], [line(0), line(31)])
  t.equal(warned[32], `wireserver ${host}: 8 more elements: passed over`)
})
