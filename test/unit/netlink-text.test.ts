import t from 'tap'
import { checkLinkName } from '../../lib/netlink/base/check.js'
import {
  Names,
  routeProtocols,
  routeTables,
  routeTypes,
  scopes,
} from '../../lib/netlink/base/constants.js'
import {
  familyName,
  familyNumber,
  familyOf,
  parsePrefix,
} from '../../lib/netlink/base/prefix.js'

t.test('prefixes', async (t) => {
  t.strictSame(parsePrefix('10.0.0.5/24', 'x'), {
    address: '10.0.0.5',
    length: 24,
    family: 'ipv4',
  })
  t.strictSame(parsePrefix('10.0.0.5', 'x').length, 32)
  t.strictSame(parsePrefix('2001:db8::1', 'x'), {
    address: '2001:db8::1',
    length: 128,
    family: 'ipv6',
  })
  for (const [text, length] of [
    ['0.0.0.0/0', 0],
    ['255.255.255.255/32', 32],
    ['::/0', 0],
    ['::ffff:10.0.0.1/128', 128],
  ] as const) {
    t.equal(parsePrefix(text, 'x').length, length, text)
  }
})

t.test('what is no prefix names its field', async (t) => {
  const wrong = [
    ...['', '/', '/24', '10.0.0.5/', '10.0.0.5/33', '10.0.0.5/-1', '10.0.0.5/1.5'],
    ...['10.0.0.5/24/8', '10.0.0.5/ 24', '10.0.0/24', '10.0.0.256/24', '010.0.0.1/8'],
    ...[
      '::1/129',
      'fe80::1%eth0/64',
      'fe80::1%eth0',
      'localhost',
      '10.0.0.5/0x8',
      ':::/8',
    ],
  ]
  for (const text of wrong) {
    const expected = { name: 'TypeError', message: /^routes\[2\]\.dst: / }
    t.throws(() => parsePrefix(text, 'routes[2].dst'), expected, text)
  }
})

t.test('families', async (t) => {
  t.equal(familyOf('10.0.0.1', 'x'), 'ipv4')
  t.equal(familyOf('::', 'x'), 'ipv6')
  t.equal(familyNumber('ipv4'), 2)
  t.equal(familyNumber('ipv6'), 10)
  t.equal(familyName(10), 'ipv6')
  t.equal(familyName(2), 'ipv4')
})

t.test('names of numbers, both ways', async (t) => {
  const names = new Names('colour', { red: 1, blue: 2 })
  t.equal(names.number('red'), 1)
  t.equal(names.number(77), 77)
  t.equal(names.name(2), 'blue')
  t.equal(names.name(77), 77)
  t.throws(() => names.number('green' as 'red'), {
    name: 'TypeError',
    message: 'colour: green is not one of red, blue',
  })
  for (const word of ['toString', 'constructor', '__proto__', '']) {
    t.throws(() => names.number(word as 'red'), TypeError, word)
  }
})

t.test('the kernel’s numbers', async (t) => {
  // linux/rtnetlink.h
  const of = (names: { number(name: never): number }, list: string) =>
    list.split(' ').map((name) => names.number(name as never))
  t.strictSame(
    of(routeProtocols, 'redirect kernel boot static ra dhcp'),
    [1, 2, 3, 4, 9, 16],
  )
  t.strictSame(of(scopes, 'global site link host nowhere'), [0, 200, 253, 254, 255])
  t.strictSame(of(routeTables, 'default main local'), [253, 254, 255])
  const types =
    'unicast local broadcast anycast multicast blackhole unreachable prohibit throw'
  t.strictSame(of(routeTypes, types), [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('link names', async (t) => {
  const good = [
    'a',
    'eth0',
    'eth0.100',
    'abcdefghijklmno',
    '-',
    '...',
    'ünïcödé',
    'a"b',
    '日本語日本',
  ]
  for (const name of good) t.equal(checkLinkName(name), name)
  const bad = ['', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb', 'a\n', 'a\0b', 'a%d', '%']
  for (const name of [...bad, 'abcdefghijklmnop', 'ünïcödéünï', '日本語日本語']) {
    const expected = { name: 'TypeError', message: /^ifname: ".*" is no interface name/s }
    t.throws(() => checkLinkName(name, 'ifname'), expected, JSON.stringify(name))
  }
})
