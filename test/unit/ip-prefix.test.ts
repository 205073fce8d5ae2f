import t from 'tap'
import {
  addressOf,
  compareCidrs,
  defaultRoute,
  formatAddress,
  hostPart,
  hostPrefix,
  mergeRanges,
  parseCidr,
  parseInterface,
  parsePrefix,
  prefixOf,
  rangeOf,
} from '../../dist/esm/ip/index.js'

t.test('prefixes', async (t) => {
  const firstHosts: Record<string, [string, string]> = {
    '10.0.0.0/24': ['10.0.0.0/24', '10.0.0.1'],
    '10.0.0.77/26': ['10.0.0.64/26', '10.0.0.65'],
    '10.0.3.9/22': ['10.0.0.0/22', '10.0.0.1'],
    '10.0.0.8/31': ['10.0.0.8/31', '10.0.0.9'],
    '10.0.0.8/32': ['10.0.0.8/32', '10.0.0.8'],
    '0.0.0.0/0': ['0.0.0.0/0', '0.0.0.1'],
    'FD00:0::/64': ['fd00::/64', 'fd00::1'],
    'fd00::8/127': ['fd00::8/127', 'fd00::9'],
    'fd00::8/128': ['fd00::8/128', 'fd00::8'],
    '::/0': ['::/0', '::1'],
  }
  for (const [text, [cidr, firstHost]] of Object.entries(firstHosts)) {
    t.match(parsePrefix(text), { cidr, firstHost }, text)
  }
  const wrong = [
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/024',
    '10.0.0.0/-1',
  ]
  for (const text of [...wrong, '10.0.0.0/255.0.0.0', 'fd00::/129', '10.0/8']) {
    t.equal(parsePrefix(text), undefined, text)
  }
  const prefix = parsePrefix('10.0.0.64/26')!
  t.ok(prefix.contains('10.0.0.127'))
  t.notOk(prefix.contains('10.0.0.128'))
  t.notOk(prefix.contains('fd00::1'))
  t.notOk(prefix.contains('x'))
  const six = parsePrefix('fd00:0:0:1::5/64')!
  t.match(six, { family: 'ipv6', length: 64, first: 'fd00:0:0:1::' })
  t.equal(six.last, 'fd00::1:ffff:ffff:ffff:ffff')
  t.ok(six.contains('FD00::1:0:0:0:9'))
  t.notOk(six.contains('fd00:0:0:2::'))
  t.notOk(six.contains('10.0.0.1'))
  t.notOk(parsePrefix('::/0')!.contains('10.0.0.1'), 'another family')
})

t.test('addresses with the length of their prefix', async (t) => {
  const family = (text: string) => parseCidr(text)?.family
  t.equal(family('10.0.0.0/0'), 'ipv4')
  t.equal(family('10.0.0.0/32'), 'ipv4')
  t.equal(family('fd00::/128'), 'ipv6')
  for (const text of ['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '::/129']) {
    t.equal(family(text), undefined, text)
  }
  t.equal(family('::/-1'), undefined)
  t.equal(family('::/1/2'), undefined)
  t.equal(family('fe80::1%eth0/64'), undefined)
  t.strictSame(parseCidr('FD00::0:5/64'), {
    address: 'fd00::5',
    length: 64,
    family: 'ipv6',
  })
  t.strictSame(parseInterface('10.0.0.7'), parseCidr('10.0.0.7/32'))
  t.strictSame(parseInterface('fd00::7'), parseCidr('fd00::7/128'))
  for (const value of [undefined, null, 5, {}, '', 'x', '10.0.0.7/']) {
    t.equal(parseInterface(value as never), undefined)
    t.equal(parseCidr(value as never), undefined)
  }
})

t.test('parts of what is known to be one', async (t) => {
  for (const text of ['10.0.0.7/24', '10.0.0.7/32', '10.0.0.7']) {
    t.equal(addressOf(text), '10.0.0.7', text)
  }
  t.equal(addressOf('FD00::7/64'), 'fd00::7')
  for (const text of ['10.0.0.7/24', '10.0.0.7']) t.equal(hostPart(text), '10.0.0.7')
  t.equal(prefixOf('10.0.0.7/24'), '10.0.0.0/24')
  t.equal(prefixOf('fd00::7/64'), 'fd00::/64')
  t.equal(hostPrefix('10.0.0.7'), '10.0.0.7/32')
  t.equal(hostPrefix('FD00::7'), 'fd00::7/128')
  t.equal(defaultRoute('ipv4'), '0.0.0.0/0')
  t.equal(defaultRoute('ipv6'), '::/0')
  for (const text of ['', '10.0.0/24', '10.0.0.7/33', 'fe80::1%eth0']) {
    const message = `${JSON.stringify(text)} is not an IP address or prefix`
    for (const part of [addressOf, prefixOf, rangeOf]) {
      t.throws(() => part(text), { name: 'TypeError', message }, text)
    }
    t.throws(() => hostPrefix(text), TypeError)
  }
  t.throws(() => prefixOf('10.0.0.7'), TypeError, 'no length')
})

t.test('the order of prefixes', async (t) => {
  const mixed = ['fd00::/64', '10.0.0.0/24', '::/0', '10.0.0.0/8', '9.0.0.0/8']
  t.strictSame(mixed.toSorted(compareCidrs), [
    ...['9.0.0.0/8', '10.0.0.0/8', '10.0.0.0/24'],
    ...['::/0', 'fd00::/64'],
  ])
})

const merged = (...prefixes: string[]) =>
  mergeRanges(prefixes).map((r) => `${formatAddress(r.first)}-${formatAddress(r.last)}`)

t.test('prefixes joined to ranges', async (t) => {
  t.strictSame(merged(), [])
  t.strictSame(merged('10.0.0.0/8', '10.1.0.0/16'), ['10.0.0.0-10.255.255.255'])
  t.strictSame(
    merged('10.0.1.0/24', '10.0.0.0/24'),
    ['10.0.0.0-10.0.1.255'],
    'neighbours',
  )
  t.strictSame(merged('10.0.0.77/24'), ['10.0.0.0-10.0.0.255'], 'host bits are cleared')
  t.strictSame(merged('10.0.0.1'), ['10.0.0.1-10.0.0.1'])
  t.strictSame(merged('0.0.0.0/0', '10.0.0.0/8'), ['0.0.0.0-255.255.255.255'])
  t.strictSame(merged('10.0.0.0/24', '10.0.2.0/24'), [
    '10.0.0.0-10.0.0.255',
    '10.0.2.0-10.0.2.255',
  ])
  t.strictSame(merged('255.255.255.255/32', '128.0.0.0/1'), ['128.0.0.0-255.255.255.255'])
})

t.test('ranges of both families', async (t) => {
  t.strictSame(merged('fd00::/65', 'fd00::8000:0:0:0/65'), [
    'fd00::-fd00::ffff:ffff:ffff:ffff',
  ])
  t.strictSame(merged('fd00::1', 'fd00::3', 'fd00::2/127'), ['fd00::1-fd00::3'])
  t.strictSame(
    merged('::/0', '255.255.255.255', 'fd00::/8', '10.0.0.1'),
    [
      '10.0.0.1-10.0.0.1',
      '255.255.255.255-255.255.255.255',
      '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
    'the last of one family and the first of the other do not touch',
  )
  t.throws(() => merged('10.0.0.0/8', 'x'), TypeError)
})
