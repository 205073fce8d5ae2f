import t from 'tap'
import {
  canonicalMac,
  formatMac,
  macBytes,
  macOf,
  parseMac,
} from '../../dist/esm/ip/index.js'

t.test('MACs', async (t) => {
  for (const text of ['000D3A12AB34', '00:0d:3a:12:ab:34', '00-0D-3A-12-AB-34']) {
    t.equal(canonicalMac(text), '00:0d:3a:12:ab:34', text)
  }
  for (const text of ['', '*', '000D3A12AB3', '000D3A12AB344', '00:0d-3a:12:ab:34', 'g'])
    t.equal(canonicalMac(text), undefined, text)
})

t.test('the form with colons', async (t) => {
  t.equal(formatMac(parseMac('0A:58:0a:F0:00:05')!), '0a:58:0a:f0:00:05')
  t.strictSame([...macBytes('02:00:5e:10:00:ff')], [2, 0, 0x5e, 0x10, 0, 0xff])
  const wrong = ['', '02:00:5e:10:00', '02:00:5e:10:00:01:02', '02-00-5e-10-00-01']
  for (const text of [...wrong, '02005e100001', '2:0:5e:10:0:1', '02:00:5e:10:00:0g']) {
    t.equal(parseMac(text), undefined, text)
    t.throws(() => macBytes(text), { message: `"${text}" is not a MAC address` })
  }
  for (const value of [undefined, null, 5, {}])
    t.equal(parseMac(value as never), undefined)
})

t.test('a pod’s MAC follows from its address', async (t) => {
  t.equal(macOf('10.0.0.7/24'), '0a:58:0a:00:00:07')
  t.equal(macOf('255.255.255.255'), '0a:58:ff:ff:ff:ff')
  t.equal(macOf('10.0.0.7/16'), macOf('10.0.0.7/24'))
  const [first = ''] = macOf('1.2.3.4').split(':')
  t.equal(Number.parseInt(first, 16) & 3, 2, 'locally administered, not multicast')
  for (const text of ['', '10.0.0', '10.0.0.7/33']) t.throws(() => macOf(text), TypeError)
  t.equal(macOf('2001:db8::1/64'), '0a:58:00:00:00:01', 'the last four bytes')
  t.equal(macOf('FD00::A:B'), '0a:58:00:0a:00:0b')
})
