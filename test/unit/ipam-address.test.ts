import t from 'tap'
import {
  canonicalAddress,
  canonicalMac,
  parsePrefix,
  sortAddresses,
} from '../../dist/esm/ipam/address.js'

t.test('addresses', async (t) => {
  t.equal(canonicalAddress('10.0.0.5'), '10.0.0.5')
  t.equal(canonicalAddress('FD00:0:0:0::5'), 'fd00::5')
  const wrong = ['', '10.1', '010.0.0.1', '10.0.0.04', '0x0a.0.0.1', '10.0.0.256', ' ::1']
  for (const text of [...wrong, 'fe80::1%eth0', '10.0.0.1/24', 'x']) {
    t.equal(canonicalAddress(text), undefined, text)
  }
})

t.test('prefixes', async (t) => {
  const firstHosts: Record<string, [string, string]> = {
    '10.0.0.0/24': ['10.0.0.0/24', '10.0.0.1'],
    '10.0.0.77/26': ['10.0.0.64/26', '10.0.0.65'],
    '10.0.3.9/22': ['10.0.0.0/22', '10.0.0.1'],
    '10.0.0.8/31': ['10.0.0.8/31', '10.0.0.9'],
    '10.0.0.8/32': ['10.0.0.8/32', '10.0.0.8'],
    '0.0.0.0/0': ['0.0.0.0/0', '0.0.0.1'],
    'FD00:0::/64': ['fd00::/64', 'fd00::1'],
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
})

t.test('order is by number', async (t) => {
  const mixed = ['fd00::1', '10.0.0.10', '9.255.0.0', '10.0.0.9']
  t.strictSame(sortAddresses(mixed), ['9.255.0.0', '10.0.0.9', '10.0.0.10', 'fd00::1'])
})

t.test('MACs', async (t) => {
  for (const text of ['000D3A12AB34', '00:0d:3a:12:ab:34', '00-0D-3A-12-AB-34']) {
    t.equal(canonicalMac(text), '00:0d:3a:12:ab:34', text)
  }
  for (const text of ['', '*', '000D3A12AB3', '000D3A12AB344', '00:0d-3a:12:ab:34', 'g'])
    t.equal(canonicalMac(text), undefined, text)
})
