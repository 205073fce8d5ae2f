import t from 'tap'
import { parseResult, printResult } from '../../dist/esm/cni/spec/result.js'
import type { CniResult } from '../../dist/esm/cni/spec/types.js'
import { CNI_VERSIONS, isAtLeast, newest } from '../../dist/esm/cni/spec/version.js'

// The result of the spec's example (SPEC.md 1.0.0, "Appendix: Examples"), plus IPv6.
const full: CniResult = {
  interfaces: [
    { name: 'cni0', mac: '00:11:22:33:44:55' },
    { name: 'eth0', mac: '99:88:77:66:55:44', mtu: 1400, sandbox: '/var/run/netns/blue' },
  ],
  ips: [
    { address: '10.1.0.5/16', gateway: '10.1.0.1', interface: 1 },
    { address: 'fd00::5/64', gateway: 'fd00::1', interface: 1 },
  ],
  routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0', gw: 'fd00::1' }],
  dns: { nameservers: ['10.1.0.1'] },
}

const ipsOld = [
  { version: '4', interface: 1, address: '10.1.0.5/16', gateway: '10.1.0.1' },
  { version: '6', interface: 1, address: 'fd00::5/64', gateway: 'fd00::1' },
]
const ipsNew = ipsOld.map(({ version: _version, ...ip }) => ip)
const links = [
  { name: 'cni0', mac: '00:11:22:33:44:55' },
  { name: 'eth0', mac: '99:88:77:66:55:44', sandbox: '/var/run/netns/blue' },
]
const { routes, dns } = full

t.test('the full result in each version', async (t) => {
  const v02 = {
    ip4: { ip: '10.1.0.5/16', gateway: '10.1.0.1', routes: [{ dst: '0.0.0.0/0' }] },
    ip6: {
      ip: 'fd00::5/64',
      gateway: 'fd00::1',
      routes: [{ dst: '::/0', gw: 'fd00::1' }],
    },
    dns,
  }
  const v03 = { interfaces: links, ips: ipsOld, routes, dns }
  const v1 = { interfaces: full.interfaces, ips: ipsNew, routes, dns }
  const wire: Record<string, object> = {
    '0.1.0': v02,
    '0.2.0': v02,
    '0.3.0': v03,
    '0.3.1': v03,
    '0.4.0': v03,
    '1.0.0': v1,
    '1.1.0': v1,
  }
  t.strictSame(Object.keys(wire), [...CNI_VERSIONS])
  for (const cniVersion of CNI_VERSIONS) {
    const printed = printResult(full, cniVersion)
    t.strictSame(printed, { cniVersion, ...wire[cniVersion] }, cniVersion)
    const again = printResult(parseResult(printed, cniVersion), cniVersion)
    t.strictSame(again, printed, `${cniVersion}, read and printed again`)
  }
})

t.test('an empty dns is printed up to 0.4.0, empty lists never', async (t) => {
  const result = { ips: [{ address: '10.1.0.5/16' }], routes: [], interfaces: [] }
  const ip = { address: '10.1.0.5/16' }
  t.strictSame(printResult(result, '0.2.0'), {
    cniVersion: '0.2.0',
    ip4: { ip: '10.1.0.5/16' },
    dns: {},
  })
  t.strictSame(printResult(result, '0.3.1'), {
    cniVersion: '0.3.1',
    ips: [{ version: '4', ...ip }],
    dns: {},
  })
  t.strictSame(printResult(result, '1.0.0'), { cniVersion: '1.0.0', ips: [ip] })
  t.strictSame(printResult({}, '0.4.0'), { cniVersion: '0.4.0', dns: {} })
  t.strictSame(printResult({}, '1.1.0'), { cniVersion: '1.1.0' })
})

t.test('0.2.0 has one address a family and must have one', async (t) => {
  const ips = ['10.0.0.1/8', '10.0.0.2/8'].map((address) => ({ address }))
  const given = [{ dst: '::/0' }, { dst: '10.0.0.0/8', extra: { mtu: 9000 } }]
  t.strictSame(printResult({ ips, routes: given }, '0.2.0'), {
    cniVersion: '0.2.0',
    ip4: { ip: '10.0.0.1/8', routes: [{ dst: '10.0.0.0/8' }] },
    dns: {},
  })
  t.throws(() => printResult({}, '0.2.0'), { code: 999, msg: /without an address/ })
})

t.test('what is unknown is passed on', async (t) => {
  const wire = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'a', socketPath: '/s', pciID: '0000:00', vendor: 1 }],
    ips: [{ address: '10.0.0.1/8', label: 'x' }],
    routes: [{ dst: '0.0.0.0/0', mtu: 1400, table: 0, scope: 253 }],
    dns: { search: ['a.b'], options: ['ndots:5'], domain: 'b' },
    vendor: { deep: [1, 2] },
  }
  const result = parseResult(wire, '1.1.0')
  t.strictSame(printResult(result, '1.1.0'), wire)
  t.strictSame(printResult(result, '0.4.0'), {
    ...wire,
    cniVersion: '0.4.0',
    interfaces: [{ name: 'a', vendor: 1 }],
    ips: [{ version: '4', address: '10.0.0.1/8', label: 'x' }],
  })
})

t.test('what plug-ins write for nothing is nothing', async (t) => {
  const wire = {
    interfaces: null,
    ips: [{ address: '10.0.0.1/8', gateway: '' }],
    routes: null,
    dns: {},
  }
  t.strictSame(parseResult(wire, '0.3.1'), { ips: [{ address: '10.0.0.1/8' }] })
  t.strictSame(parseResult({}, '1.0.0'), {})
})

t.test('an interface that is no position is passed on', async (t) => {
  for (const index of [-1, 0, 1, 7]) {
    const ips = [{ version: '4', address: '10.0.0.1/8', interface: index }]
    const parsed = parseResult({ ips }, '0.3.1')
    t.match(parsed.ips, [{ interface: index }])
    t.match(printResult(parsed, '0.3.1'), { ips })
  }
})

t.test('errors name the path', async (t) => {
  const ip = { version: '4', address: '10.0.0.1/8' }
  const cases: [unknown, string, RegExp][] = [
    [[], '0.3.1', /^prevResult: \[\] /],
    [undefined, '0.3.1', /^prevResult is missing/],
    [{ cniVersion: '0.3.0' }, '0.3.1', /^prevResult.cniVersion: "0.3.0"/],
    [{ cniVersion: 3 }, '0.3.1', /^prevResult.cniVersion: 3/],
    [{ ips: {} }, '0.3.1', /^prevResult.ips: \{\} .*list/],
    [{ ips: [ip, {}] }, '0.3.1', /^prevResult.ips\[1\].address is missing/],
    [{ ips: [{ address: '10.0.0.1' }] }, '0.3.1', /ips\[0\].address: "10.0.0.1".*prefix/],
    [{ ips: [{ address: '10.0.0.1/33' }] }, '0.3.1', /ips\[0\].address/],
    [{ ips: [{ address: '10.0.0.256/8' }] }, '0.3.1', /ips\[0\].address/],
    [{ ips: [{ address: 'fe80::1%eth0/64' }] }, '1.0.0', /ips\[0\].address/],
    [{ ips: [{ ...ip, version: '6' }] }, '0.3.1', /ips\[0\].version: "6" .*"4"/],
    [{ ips: [{ ...ip, gateway: 'x' }] }, '0.3.1', /ips\[0\].gateway: "x"/],
    [{ ips: [{ ...ip, interface: '0' }] }, '0.3.1', /ips\[0\].interface: "0"/],
    [{ interfaces: [{}] }, '0.3.1', /interfaces\[0\].name is missing/],
    [{ interfaces: [null] }, '0.3.1', /interfaces\[0\]: null/],
    [{ routes: [{ gw: '10.0.0.1' }] }, '0.3.1', /routes\[0\].dst is missing/],
    [{ routes: [{ dst: 'default' }] }, '0.3.1', /routes\[0\].dst: "default"/],
    [{ dns: { nameservers: '1.1.1.1' } }, '0.3.1', /dns.nameservers: "1.1.1.1"/],
    [{ dns: { search: [1] } }, '0.3.1', /dns.search\[0\]: 1/],
    [{ ip4: {} }, '0.2.0', /^prevResult.ip4.ip is missing/],
    [{ ip4: { ip: 'fd00::1/64' } }, '0.2.0', /^prevResult.ip4.ip: "fd00::1\/64"/],
    [{ ip6: { ip: 'fd00::1/64', routes: [{}] } }, '0.2.0', /ip6.routes\[0\].dst/],
  ]
  for (const [json, version, msg] of cases) {
    t.throws(() => parseResult(json, version), { code: 7, msg }, String(msg))
  }
  t.throws(() => parseResult({}, '2.0.0'), { code: 1, msg: /2\.0\.0/ })
  t.throws(() => parseResult({ ips: 1 }, '1.0.0', 'result'), {
    code: 7,
    msg: /^result\.ips/,
  })
})

t.test('versions compare as numbers', async (t) => {
  t.ok(isAtLeast('0.10.0', '0.4.0'))
  t.notOk(isAtLeast('0.3.1', '0.4.0'))
  t.ok(isAtLeast('1.0.0', '1.0.0'))
  t.notOk(isAtLeast('new', '0.1.0'))
  t.equal(newest(['0.3.1', '1.0.0', '0.4.0']), '1.0.0')
})
