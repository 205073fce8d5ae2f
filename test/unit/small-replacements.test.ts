import { createHash } from 'node:crypto'
import t from 'tap'
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
