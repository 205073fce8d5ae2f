import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import t from 'tap'
import { ipFamily } from '../../dist/esm/ip-family.js'
import { sha256Hex } from '../../dist/esm/sha256.js'

t.test('our SHA-256 is the one of node:crypto', (t) => {
  const texts = ['', 'abc', 'azure/container/eth0', 'ä€😀', '\0']
  // Every length around the 64 bytes of a block and the 8 of the length field.
  for (let i = 0; i < 200; i++) texts.push('x'.repeat(i))
  const wrong = texts.filter(
    (text) => sha256Hex(text) !== createHash('sha256').update(text).digest('hex'),
  )
  t.same(wrong, [])
  t.end()
})

t.test('our test for addresses agrees with node:net', (t) => {
  const texts = [
    ...['10.0.0.5', '0.0.0.0', '255.255.255.255', '256.0.0.1', '1.2.3', '01.2.3.4'],
    ...['::', '::1', 'fd00::5', 'FD00::5', '::ffff:10.0.0.1', '1:2:3:4:5:6:7:8'],
    ...['1:2:3:4:5:6:7', '1::2::3', ':1', '12345::', 'g::', '', ' ', 'localhost'],
    ...['10.0.0.5/24', '[::1]', '::1]', '10.0.0.5 ', '0x7f.1', '1e3'],
  ]
  for (const text of texts) t.equal(ipFamily(text), isIP(text), JSON.stringify(text))
  t.equal(ipFamily('fe80::1%eth0'), 0, 'a zone means something on one host only')
  t.end()
})
