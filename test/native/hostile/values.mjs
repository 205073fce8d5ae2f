// Values that hostile or careless code may give. None of them is right anywhere.
const mine = () => {
  throw new RangeError('mine')
}
const traps = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf']
const throwing = Object.fromEntries(traps.map((name) => [name, mine]))

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function detached() {
  const bytes = new Uint8Array(4)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function outOfBounds() {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
  const bytes = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return bytes
}

class Some {
  one() {}
}

function sparse(length) {
  const list = []
  list.length = length
  return list
}

function cycle() {
  const one = {}
  one.self = one
  return one
}

function cyclicList() {
  const list = []
  list.push(list)
  return list
}

/** By name; each makes a fresh one. `h` is a handle of a namespace. */
export const values = (h) => ({
  'a proxy that throws': () => new Proxy({}, throwing),
  'a proxy of members that throws': () => new Proxy({ op: 1, name: 1 }, { get: mine }),
  'a proxy of an array': () => new Proxy(['x'], {}),
  'a proxy that lies about its length': () =>
    new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 31 : 'x') }),
  'a proxy with names that are not there': () =>
    new Proxy({}, { ownKeys: () => ['a', 'b', 'a'] }),
  'a revoked proxy': () => revoked({}),
  'a revoked proxy of an array': () => revoked([]),
  'a revoked proxy of a function': () => revoked(() => 1),
  'a proxy of a handle': () => new Proxy(h, {}),
  'a handle by prototype': () => Object.create(h),
  'a getter that throws': () => ({ get name() { return mine() } }), // prettier-ignore
  'an element that throws': () =>
    Object.defineProperty(['x'], 0, { enumerable: true, get: mine }),
  'a symbol': () => Symbol('s'),
  'a symbol for a name': () => ({ [Symbol('s')]: 1 }),
  'a function': () => () => 1,
  'a class': () => Some,
  'a detached view': detached,
  'a view out of bounds': outOfBounds,
  'a view of shared memory': () => new Uint8Array(new SharedArrayBuffer(4)),
  words: () => new Uint32Array(2),
  'a DataView': () => new DataView(new ArrayBuffer(4)),
  'an ArrayBuffer': () => new ArrayBuffer(4),
  'a date': () => new Date(0),
  'a promise': () => Promise.resolve(1),
  'an error': () => new Error('x'),
  'toPrimitive that throws': () => ({ [Symbol.toPrimitive]: mine }),
  'toPrimitive that lies': () => ({ [Symbol.toPrimitive]: () => 1, valueOf: () => 1 }),
  'a huge array': () => sparse(2 ** 32 - 1),
  'an array too long': () => sparse(2 ** 20 + 1),
  'a cycle': cycle,
  'a cyclic list': cyclicList,
  NaN: () => NaN,
  Infinity: () => Infinity,
  'a fraction': () => 0.5,
  'a large bigint': () => 2n ** 70n,
  '-(2 ** 53)': () => -(2 ** 53),
  'a reference beyond': () => ({ ref: 2 ** 32, field: 'index' }),
  'a reference to nothing yet': () => ({ field: 'index', ref: 77 }),
  'a reference below': () => ({ ref: -1 }),
  'a fractional reference': () => ({ ref: 0.5 }),
  'a reference to a field that is not': () => ({ ref: 0, field: 'mtu' }),
  'a reference with more': () => ({ ref: 0, more: 1 }),
  'a long text': () => 'x'.repeat(2 ** 20 + 1),
})
