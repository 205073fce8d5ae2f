// The same calls before and after somebody has put things on the prototypes that all objects have.
// Prints both outcomes, and how much code of theirs ran, as a line of JSON.
import { addon } from '../../../dist/esm/binding.js'

const a = addon()
const h = a.createNetns()
const step = (op, args, flags = 0) => ({ op, ns: 0, flags, args })
// More than a few entries, so that they come as a text; bytes, which do not.
const bridges = Array.from({ length: 20 }, (_, i) =>
  step('link.new', { name: `b${i}`, info: { kind: 'bridge' } }, 0x600),
)
const table = { family: 2, name: 't', userdata: new Uint8Array([0, 2, 65, 0]) }
const messages = [{ op: 'nft.table.new', flags: 0x400, args: table }]
a.runSync([h], [...bridges, step('nft.batch', { messages })], false)

async function look() {
  const steps = [
    step('link.get', { name: 'b1' }),
    step('link.get', { index: { ref: 0 } }),
    step('link.dump', {}),
    step('nft.table.dump', { family: 2 }),
    step('link.get', { name: 'none' }),
  ]
  const monitor = a.openMonitor(h, ['link'], 4, 0, () => undefined)
  const taken = monitor.take(1)
  monitor.close()
  const [sync, later] = [a.runSync([h], steps, false), await a.run([h], steps, false)]
  return { sync, later, taken, identity: h.identity() }
}

const objects = Object.prototype
const lists = Array.prototype
const views = Object.getPrototypeOf(Uint8Array.prototype)
const kept = { parse: JSON.parse, at: views.at }
const setters = [
  'results',
  'failure',
  'moreFailures',
  'errno',
  'index',
  'name',
  'dev',
  'ino',
]
const members = { mtu: 'x', undo: 5, accept: 'x', generation: 'x' }
let ran = 0

function pollute() {
  const noticed = { configurable: true, get: () => ran++, set: () => void ran++ }
  for (const name of setters) Object.defineProperty(objects, name, noticed)
  for (const i of [0, 1, 2]) Object.defineProperty(lists, i, noticed)
  // Enumerable, as an assignment makes them.
  Object.assign(objects, members)
  JSON.parse = () => ran++
  views.at = () => ran++
}

function restore() {
  for (const name of [...setters, ...Object.keys(members)]) delete objects[name]
  for (const i of [0, 1, 2]) delete lists[i]
  JSON.parse = kept.parse
  views.at = kept.at
}

const before = await look()
pollute()
const after = await look().finally(restore)
// Bytes by their numbers.
const plain = (_, value) => (value instanceof Uint8Array ? Array.from(value) : value)
console.log(JSON.stringify({ before, after, ran }, plain))
process.exit(0)
