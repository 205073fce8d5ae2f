import { isIP } from 'node:net'
import t from 'tap'
import {
  addressBytes,
  bytesOf,
  canonicalAddress,
  compareAddresses,
  compareBytes,
  familyOf,
  formatAddress,
  ipv4Bytes,
  ipv6Bytes,
  nextAddress,
  numberOf,
  parseAddress,
  predecessor,
  previousAddress,
  sortAddresses,
  successor,
} from '../../dist/esm/ip/index.js'

t.test('addresses', async (t) => {
  t.equal(canonicalAddress('10.0.0.5'), '10.0.0.5')
  t.equal(canonicalAddress('FD00:0:0:0::5'), 'fd00::5')
  const wrong = ['', '10.1', '010.0.0.1', '10.0.0.04', '0x0a.0.0.1', '10.0.0.256', ' ::1']
  for (const text of [...wrong, 'fe80::1%eth0', '10.0.0.1/24', 'x']) {
    t.equal(canonicalAddress(text), undefined, text)
  }
})

t.test('families', async (t) => {
  for (const ok of ['0.0.0.0', '255.255.255.255', '10.1.2.3'])
    t.equal(familyOf(ok), 'ipv4', ok)
  for (const ok of ['::', '::1', 'FD00::A', '::ffff:10.0.0.1'])
    t.equal(familyOf(ok), 'ipv6', ok)
  const bad = ['', '10', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4 ']
  for (const text of [
    ...bad,
    ':',
    ':::',
    '1::2::3',
    'g::',
    '::1%lo',
    '[::1]',
    '::1]/x',
  ]) {
    t.equal(familyOf(text), undefined, text)
  }
})

t.test('our test for addresses agrees with node:net', async (t) => {
  const texts = [
    ...['10.0.0.5', '0.0.0.0', '255.255.255.255', '256.0.0.1', '1.2.3', '01.2.3.4'],
    ...['::', '::1', 'fd00::5', 'FD00::5', '::ffff:10.0.0.1', '1:2:3:4:5:6:7:8'],
    ...['1:2:3:4:5:6:7', '1::2::3', ':1', '12345::', 'g::', '', ' ', 'localhost'],
    ...['10.0.0.5/24', '[::1]', '::1]', '10.0.0.5 ', '0x7f.1', '1e3', '1.2.3.4::'],
    ...[
      '::1.2.3',
      '::01.2.3.4',
      '1.2.3.4:5:6:7:8:9:a',
      '1:2:3:4:5:6:7::',
      '::2:3:4:5:6:7:8',
    ],
    ...['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:7:1.2.3.4', '1::2:3:4:5:6:7:8', '1:', '::1:'],
  ]
  const names = { 0: undefined, 4: 'ipv4', 6: 'ipv6' } as Record<
    number,
    string | undefined
  >
  for (const text of texts)
    t.equal(familyOf(text), names[isIP(text)], JSON.stringify(text))
  t.equal(familyOf('fe80::1%eth0'), undefined, 'a zone means something on one host only')
})

t.test('what is no text is no address', async (t) => {
  for (const value of [undefined, null, 5, {}, ['10.0.0.1']]) {
    t.equal(parseAddress(value as never), undefined)
    t.throws(() => addressBytes(value as never), TypeError)
  }
})

t.test('RFC 5952', async (t) => {
  const forms: Record<string, string> = {
    // Section 4.1 to 4.3: leading zeros, the longest row, the first of two, none of one, case.
    '2001:0DB8::0001': '2001:db8::1',
    '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:db8::1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '0:0:0:0:0:0:0:0': '::',
    '0:0:0:0:0:0:0:1': '::1',
    '1:0:0:0:0:0:0:0': '1::',
    // Section 5: an embedded IPv4 address in dots where the prefix tells of it.
    '::FFFF:A00:1': '::ffff:10.0.0.1',
    '0:0:0:0:0:ffff:0:0': '::ffff:0.0.0.0',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
    '::1.2.3.4': '::102:304',
    '0:0:0:1:0:ffff:a00:1': '::1:0:ffff:a00:1',
  }
  for (const [text, canonical] of Object.entries(forms)) {
    t.equal(canonicalAddress(text), canonical, text)
    t.equal(canonicalAddress(canonical), canonical, canonical)
  }
  for (const length of [0, 3, 5, 15, 17]) {
    t.throws(() => formatAddress(new Uint8Array(length)), TypeError)
  }
})

t.test('bytes of a family name what they want', async (t) => {
  t.strictSame([...ipv4Bytes('10.0.0.255')], [10, 0, 0, 255])
  t.equal(ipv6Bytes('fd00::5').length, 16)
  t.throws(() => ipv4Bytes('fd00::5'), { message: '"fd00::5" is not an IPv4 address' })
  t.throws(() => ipv6Bytes('10.0.0.5'), { message: '"10.0.0.5" is not an IPv6 address' })
  t.throws(() => addressBytes('10.1'), { message: '"10.1" is not an IP address' })
})

t.test('order is by number', async (t) => {
  const mixed = ['fd00::1', '10.0.0.10', '9.255.0.0', '10.0.0.9']
  t.strictSame(sortAddresses(mixed), ['9.255.0.0', '10.0.0.9', '10.0.0.10', 'fd00::1'])
  t.ok(compareAddresses('::', '255.255.255.255') > 0, 'IPv4 before IPv6')
  t.equal(compareAddresses('fd00::0:1', 'FD00::1'), 0)
  t.throws(() => sortAddresses(['10.0.0.1', 'x']), {
    message: /"x" is not an IP address/,
  })
})

t.test('the next and the one before', async (t) => {
  const pairs = [
    ['10.0.0.5', '10.0.0.6'],
    ['10.0.0.255', '10.0.1.0'],
    ['9.255.255.255', '10.0.0.0'],
    ['fd00::', 'fd00::1'],
    ['fd00::ffff', 'fd00::1:0'],
    ['fd00::ffff:ffff:ffff:ffff', 'fd00:0:0:1::'],
  ] as const
  for (const [one, other] of pairs) {
    t.equal(nextAddress(one), other)
    t.equal(previousAddress(other), one)
  }
  t.equal(nextAddress('255.255.255.255'), undefined)
  t.equal(nextAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), undefined)
  t.equal(previousAddress('0.0.0.0'), undefined)
  t.equal(previousAddress('::'), undefined)
  t.throws(() => nextAddress('10.0.0.0/8'), TypeError)
})

t.test('numbers', async (t) => {
  t.equal(numberOf(ipv4Bytes('10.0.0.1')), 0x0a000001n)
  t.equal(numberOf(ipv6Bytes('1::')), 1n << 112n)
  t.equal(formatAddress(bytesOf(0xffffffff, 4)), '255.255.255.255')
  t.equal(formatAddress(bytesOf((1n << 128n) - 1n, 16)).length, 39)
  for (const number of [-1, 2 ** 32, 1n << 40n, 1.5, Number.NaN]) {
    t.throws(() => bytesOf(number, 4), RangeError, String(number))
  }
  t.equal(compareBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), -1)
  t.strictSame(successor(Uint8Array.of(0, 255)), Uint8Array.of(1, 0))
  t.strictSame(predecessor(Uint8Array.of(1, 0)), Uint8Array.of(0, 255))
})
