import t from 'tap'
import { parseArgs } from '../../dist/esm/cni/spec/args.js'
import { ConfigReader } from '../../dist/esm/cni/spec/config.js'
import { invalidConfig } from '../../dist/esm/cni/spec/errors.js'

t.test('CNI_ARGS as runtimes send them', async (t) => {
  t.strictSame([...parseArgs('')], [])
  const podman =
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c1'
  t.equal(parseArgs(podman).get('K8S_POD_INFRA_CONTAINER_ID'), 'c1')
  t.equal(parseArgs('IP=10.0.0.5;MAC=').get('MAC'), '')
  t.equal(parseArgs('NOMAD_REGION=eu;IgnoreUnknown=TRUE').get('NOMAD_REGION'), 'eu')
  t.equal(parseArgs('OWN=1', ['OWN']).get('OWN'), '1')
  t.equal(parseArgs('IP=10.0.0.5;IP=10.0.0.6').get('IP'), '10.0.0.6', 'the last one wins')
})

t.test('CNI_ARGS that are refused', async (t) => {
  const cases: [string, RegExp][] = [
    ['FOO=1;BAR=2;IP=10.0.0.1', /unknown keys "FOO", "BAR": use .*IgnoreUnknown=1/],
    ['FOO=1;IgnoreUnknown=0', /unknown keys "FOO"/],
    ['FOO=1;IgnoreUnknown=false', /unknown keys "FOO"/],
    ['IgnoreUnknown=maybe', /IgnoreUnknown: "maybe".*1, true/],
    ['IP', /CNI_ARGS: "IP" .*KEY=VALUE/],
    ['IP=a=b', /CNI_ARGS: "IP=a=b"/],
    ['=x', /CNI_ARGS: "=x"/],
    ['IP=a;', /CNI_ARGS: "" /],
  ]
  for (const [text, msg] of cases) {
    t.throws(() => parseArgs(text), { code: 4, msg }, text)
  }
})

const reader = new ConfigReader({
  mode: 'transparent',
  empty: '',
  on: true,
  quoted: 'true',
  mtu: 1500,
  half: 1.5,
  ip: '10.0.0.5',
  net: '10.0.0.0/24',
  mac: '0A:58:0a:f0:00:05',
  none: null,
  ipam: { type: 'azure-vnet-ipam', ranges: [{ subnet: '10.0.0.0/8' }, { subnet: 'x' }] },
  hosts: ['10.0.0.1', 'fd00::1'],
  nets: ['10.0.0.0/24', 5],
  words: ['a', 'b'],
})

t.test('fields that are right', async (t) => {
  t.equal(reader.string('mode'), 'transparent')
  const mode: 'bridge' | 'transparent' = reader.string('mode', {
    oneOf: ['bridge', 'transparent'],
  })
  t.equal(mode, 'transparent')
  t.equal(reader.optionalBoolean('on'), true)
  t.equal(reader.int('mtu', { min: 1500, max: 1500 }), 1500)
  t.equal(reader.ip('ip'), '10.0.0.5')
  t.equal(reader.cidr('net'), '10.0.0.0/24')
  t.equal(reader.mac('mac'), '0A:58:0a:f0:00:05')
  t.equal(reader.object('ipam').string('type'), 'azure-vnet-ipam')
  t.equal(reader.object('ipam').array('ranges')[0]?.cidr('subnet'), '10.0.0.0/8')
  t.strictSame(reader.ips('hosts'), ['10.0.0.1', 'fd00::1'])
  t.strictSame(reader.strings('words'), ['a', 'b'])
})

t.test('fields that are absent or null', async (t) => {
  for (const key of ['absent', 'none']) {
    t.equal(reader.optionalString(key), undefined)
    t.equal(reader.optionalString(key, { oneOf: ['a'] }), undefined)
    t.equal(reader.optionalBoolean(key), undefined)
    t.equal(reader.optionalInt(key), undefined)
    t.equal(reader.optionalIp(key), undefined)
    t.equal(reader.optionalCidr(key), undefined)
    t.equal(reader.optionalMac(key), undefined)
    t.equal(reader.optionalObject(key), undefined)
    t.strictSame(reader.array(key), [])
    t.strictSame(reader.strings(key), [])
  }
  t.throws(() => reader.string('absent'), { code: 7, msg: /^absent is missing: use a/ })
  t.throws(() => reader.object('none'), { code: 7, msg: /^none: null / })
})

t.test('fields that are wrong: path, value and cure', async (t) => {
  const cases: [() => unknown, RegExp][] = [
    [() => reader.string('mode', { oneOf: ['bridge'] }), /^mode: "tran.*one of "bridge"/],
    [() => reader.string('empty'), /^empty: "" .*not empty/],
    [() => reader.string('mtu'), /^mtu: 1500 .*string/],
    [() => reader.optionalBoolean('quoted'), /^quoted: "true" .*without quotes/],
    [() => reader.int('mtu', { max: 1499 }), /^mtu: 1500 .*to 1499/],
    [() => reader.int('mtu', { min: 1501 }), /^mtu: 1500 .*from 1501/],
    [() => reader.int('half'), /^half: 1.5 .*whole number/],
    [() => reader.int('quoted'), /^quoted: "true"/],
    [() => reader.ip('net'), /^net: "10.0.0.0\/24" .*IP address/],
    [() => reader.cidr('ip'), /^ip: "10.0.0.5" .*prefix length/],
    [() => reader.mac('ip'), /^ip: .*MAC/],
    [() => reader.object('hosts'), /^hosts: \[.*object/],
    [() => reader.array('ipam'), /^ipam: \{.*list/],
    [() => reader.array('hosts'), /^hosts\[0\]: "10.0.0.1" .*object/],
    [() => reader.cidrs('nets'), /^nets\[1\]: 5 /],
    [
      () => reader.object('ipam').array('ranges')[1]?.cidr('subnet'),
      /^ipam\.ranges\[1\]\.subnet: "x" /,
    ],
  ]
  for (const [read, msg] of cases) t.throws(read, { code: 7, msg }, String(msg))
  const error = reader.object('ipam').invalid('type', 'use azure-vnet-ipam')
  t.equal(error.message, 'ipam.type: "azure-vnet-ipam" is not valid: use azure-vnet-ipam')
  t.ok(invalidConfig('f', 'x'.repeat(5000), 'c').msg.length < 120, 'long values are cut')
})
