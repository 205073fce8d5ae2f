import t from 'tap'
import portmap from '../../dist/esm/plugins/portmap/index.js'
import {
  parsePortmapConfig,
  PORTMAP_FIELDS,
} from '../../dist/esm/plugins/portmap/config.js'
import { callPlugin, WRONG_VALUES } from '../helpers/plugin-call.js'
import { portmapMachine, portsOf, tcp } from '../helpers/portmap-machine.js'

const PATH = '/run/netns/c1'
const mapping = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }
const prevResult = {
  cniVersion: '0.3.1',
  interfaces: [{ name: 'azure0' }, { name: 'eth0', sandbox: PATH }],
  ips: [{ version: '4', address: '10.240.0.5/16', interface: 1 }],
}
const conf = {
  cniVersion: '0.3.1',
  name: 'net',
  type: 'portmap',
  snat: true,
  runtimeConfig: { portMappings: [mapping] },
  prevResult,
}
const MAPPED = 'any_address 6,8080 → 10.240.0.5,80 (net/c1/eth0)'

t.test('ADD maps the ports and passes the result on, DEL takes them back', async (t) => {
  const m = await portmapMachine()
  const add = await callPlugin(m, portmap, { stdin: conf })
  t.equal(add.code, 0, add.stdout)
  t.match(add.json, prevResult)
  t.strictSame(m.elements(), [MAPPED, 'hairpin 10.240.0.5,10.240.0.5 (net/c1/eth0)'])
  t.notOk(add.log.some(({ level }) => level === 'warn'))
  const del = await callPlugin(m, portmap, { command: 'DEL', stdin: conf })
  t.equal(del.code, 0)
  t.equal(del.stdout, '')
  t.strictSame(m.elements(), [])
})

t.test('without ports the kernel is not asked', async (t) => {
  const m = await portmapMachine()
  m.kernel.reset()
  const { code } = await callPlugin(m, portmap, {
    stdin: { ...conf, runtimeConfig: undefined },
  })
  t.equal(code, 0)
  t.strictSame(m.kernel.steps, [])
})

const ips = (...list: object[]) => list.map((one) => ({ version: '4', ...one }))
const A = '10.240.0.5/16'
const RESULTS: [string, object, boolean][] = [
  ['no interface', { ips: ips({ address: A }) }, true],
  ['an interface beyond the list', { ips: ips({ address: A, interface: 7 }) }, true],
  ['an interface before the list', { ips: ips({ address: A, interface: -1 }) }, true],
  [
    'no sandbox at the interface',
    { interfaces: [{ name: 'eth0' }], ips: ips({ address: A, interface: 0 }) },
    true,
  ],
  [
    'the same name on the host first',
    {
      interfaces: [{ name: 'eth0' }, { name: 'eth0', sandbox: PATH }],
      ips: ips({ address: '10.240.0.4/16', interface: 0 }, { address: A, interface: 1 }),
    },
    true,
  ],
  [
    'IPv6 first',
    {
      interfaces: [{ name: 'eth0', sandbox: PATH }],
      ips: [
        { version: '6', address: 'fd00::5/64', interface: 0 },
        ...ips({ address: A, interface: 0 }),
      ],
    },
    true,
  ],
  [
    'an interface of the host',
    { interfaces: [{ name: 'azure0' }], ips: ips({ address: A, interface: 0 }) },
    false,
  ],
  ['no address', {}, false],
  ['IPv6 alone', { ips: [{ version: '6', address: 'fd00::5/64' }] }, false],
]

for (const [what, result, isMapped] of RESULTS) {
  t.test(`the address of the container: ${what}`, async (t) => {
    const m = await portmapMachine()
    const { code, json } = await callPlugin(m, portmap, {
      stdin: { ...conf, prevResult: result },
    })
    if (isMapped) {
      t.equal(code, 0)
      t.match(json, result, 'the result is passed on as it came')
      t.ok(m.elements().includes(MAPPED))
      return
    }
    t.match(json, { code: 7, msg: /^prevResult.ips: no IPv4 address on eth0/ })
    t.strictSame(m.elements(), [])
  })
}

t.test('a port that is held, and no prevResult', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, 'net/other/eth0', portsOf(6, [tcp(8080)]))
  const held = await callPlugin(m, portmap, { stdin: conf })
  t.match(held.json, { code: 102, msg: /8080 is held by net\/other\/eth0/ })
  const alone = await callPlugin(m, portmap, {
    stdin: { ...conf, prevResult: undefined },
  })
  t.match(alone.json, { code: 7, msg: /^prevResult is missing/ })
})

const REFUSED: [Record<string, unknown>, RegExp][] = [
  [{ conditionsV4: ['-s', '10.0.0.0/8'] }, /^conditionsV4: .*leave it out/],
  [{ conditionsV6: ['ip6 saddr fd00::/8'] }, /^conditionsV6: /],
  [{ masqAll: true }, /^masqAll: true is not supported: leave it out/],
  [{ markMasqBit: 0 }, /^markMasqBit: 0 /],
  [{ markMasqBit: 13 }, /^markMasqBit: 13 /],
  [{ externalSetMarkChain: 'KUBE-MARK-MASQ' }, /^externalSetMarkChain: /],
  [{ backend: 'iptables' }, /^backend: "iptables" is not supported: .*"nftables"/],
  [{ backend: ['nftables'] }, /^backend: \["nftables"\]/],
  // The reference plug-in reads them in any case.
  [{ ConditionsV4: ['x'] }, /^ConditionsV4: /],
  [{ MASQALL: true }, /^MASQALL: /],
]

t.test('what would change who may come is refused until it works', async (t) => {
  for (const [more, msg] of REFUSED) {
    const m = await portmapMachine()
    const add = await callPlugin(m, portmap, { stdin: { ...conf, ...more } })
    t.match(add.json, { code: 2, msg }, JSON.stringify(more))
    t.strictSame(m.elements(), [])
    const none = { ...conf, ...more, runtimeConfig: {} }
    const early = await callPlugin(m, portmap, { stdin: none })
    t.match(early.json, { code: 2, msg }, 'with the first container, ports or not')
  }
})

t.test('what says that it does not want them passes', async (t) => {
  const more = {
    conditionsV4: [],
    conditionsV6: null,
    masqAll: false,
    markMasqBit: null,
    externalSetMarkChain: '',
  }
  for (const backend of ['nftables', '', null, undefined]) {
    const parsed = parsePortmapConfig({ ...conf, ...more, backend })
    t.match(parsed, { backend: 'nftables', snat: true, warnings: [] })
  }
  t.equal(parsePortmapConfig({ ...conf, snat: undefined }).snat, true)
  t.throws(() => parsePortmapConfig({ ...conf, snat: 'no' }), { code: 7, msg: /^snat: / })
  t.throws(() => parsePortmapConfig({ runtimeConfig: 5 }), { code: 7 })
})

t.test('what does nothing is named in the log, once an ADD', async (t) => {
  const m = await portmapMachine()
  const stdin = {
    ...conf,
    snatt: false,
    capabilities: { portMappings: true },
    logLevel: 'warn',
    runtimeConfig: { portMappings: [mapping, { ...mapping, containerPort: 81 }] },
  }
  const { code, log } = await callPlugin(m, portmap, { stdin })
  t.equal(code, 0)
  t.strictSame(
    log.map(({ level, msg }) => [level, msg]),
    [
      ['warn', 'snatt is not a known field: did you mean snat?'],
      [
        'warn',
        'runtimeConfig.portMappings[1] has no effect: tcp 0.0.0.0:8080 ' +
          'leads to port 80 by an entry before it',
      ],
    ],
  )
  t.ok(m.elements().includes(MAPPED))
})

t.test('CNI_ARGS does not concern portmap', async (t) => {
  const m = await portmapMachine()
  const { code } = await callPlugin(m, portmap, {
    stdin: conf,
    env: { CNI_ARGS: 'none' },
  })
  t.equal(code, 0)
})

// Beside the two that say whose ports they are, and how to answer.
const MEMBERS = Object.keys({ ...PORTMAP_FIELDS, dns: 0, ipam: 0, unknown: 0 }).filter(
  (key) => key !== 'name' && key !== 'cniVersion',
)

t.test('DEL works with every member of the config broken in turn', async (t) => {
  const m = await portmapMachine()
  for (const member of MEMBERS) {
    for (const value of [...WRONG_VALUES, undefined]) {
      await m.backend.add(m.host, 'net/c1/eth0', portsOf(5, [tcp(8080)]))
      const stdin = { ...conf, [member]: value }
      const del = await callPlugin(m, portmap, { command: 'DEL', stdin })
      const what = `${member}: ${JSON.stringify(value)}`
      if (del.code !== 0 || m.hasTable()) t.fail(what, { found: del.stdout })
    }
  }
  const env = { CNI_ARGS: 'none', CNI_NETNS: '' }
  await m.backend.add(m.host, 'net/c1/eth0', portsOf(5, [tcp(8080)]))
  const del = await callPlugin(m, portmap, { command: 'DEL', env, stdin: conf })
  t.equal(del.code, 0, del.stdout)
  t.notOk(m.hasTable())
})
