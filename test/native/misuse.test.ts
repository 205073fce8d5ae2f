import t from 'tap'
import { child } from './children.js'

interface Answer {
  /** Name and text of what was thrown, or what came back. */
  readonly thrown: string
  /** The links of the namespace afterwards. */
  readonly links: string
}

/** Evaluates expressions one after the other in one child; the answers end where it does. */
function misuse(expressions: readonly string[]) {
  const calls = expressions.map((text) => `async () => (${text})`)
  const done = child(`
    for (const call of [${calls.join(',\n')}]) {
      let thrown
      try { thrown = 'took it ' + JSON.stringify(await call()) }
      catch (e) { thrown = e?.name + ' ' + e?.message }
      const dump = [{ op: 'link.dump', ns: 0, args: {} }]
      const links = a.runSync([h], dump, false).results[0].map((l) => l.name).join()
      console.log(JSON.stringify({ thrown, links }))
    }`)
  const lines = done.stdout.split('\n').filter(Boolean)
  return { done, answers: lines.map((line) => JSON.parse(line) as Answer) }
}

const make = `{ op: 'link.new', ns: 0, flags: 0x600, args: { name: 'x', info: { kind: 'bridge' } } }`
const step = (text: string) => `a.runSync([h], [${make}, ${text}], false)`

const REFUSED: [string, string, RegExp][] = [
  ['no arguments', 'a.runSync()', /namespaces must be an array/],
  ['no steps', 'a.runSync([h])', /steps: must be an array|namespaces/],
  ['steps that are none', 'a.runSync([h], "x", false)', /steps: must be an array/],
  ['a step that is none', step('5'), /steps: must hold objects/],
  ['a null step', step('null'), /steps: must hold objects/],
  ['namespaces that are none', 'a.runSync([{}], [], false)', /namespaces\.0/],
  [
    'a namespace by prototype',
    'a.runSync([Object.create(h)], [], false)',
    /namespaces\.0/,
  ],
  ['no op', step('{ ns: 0, args: {} }'), /op/],
  ['op of another type', step('{ op: 5, ns: 0, args: {} }'), /op/],
  ['no ns', step(`{ op: 'link.dump', args: {} }`), /ns/],
  ['ns beyond', step(`{ op: 'link.dump', ns: 1, args: {} }`), /ns/],
  ['ns negative', step(`{ op: 'link.dump', ns: -1, args: {} }`), /ns/],
  ['ns wraps', step(`{ op: 'link.dump', ns: 4294967296, args: {} }`), /ns/],
  ['ns fractional', step(`{ op: 'link.dump', ns: 0.5, args: {} }`), /ns/],
  ['ns NaN', step(`{ op: 'link.dump', ns: NaN, args: {} }`), /ns/],
  ['flags as text', step(`{ op: 'link.dump', ns: 0, flags: 'x', args: {} }`), /flags/],
  [
    'flags too large',
    step(`{ op: 'link.dump', ns: 0, flags: 65536, args: {} }`),
    /flags/,
  ],
  ['accept as number', step(`{ op: 'link.dump', ns: 0, accept: 3, args: {} }`), /accept/],
  [
    'accept of texts',
    step(`{ op: 'link.dump', ns: 0, accept: ['x'], args: {} }`),
    /accept/,
  ],
  ['undo as text', step(`{ op: 'link.dump', ns: 0, undo: 'x', args: {} }`), /undo|steps/],
  ['no args', step(`{ op: 'link.dump', ns: 0 }`), /must be an object/],
  ['args as list', step(`{ op: 'link.dump', ns: 0, args: [] }`), /must be an object/],
  [
    'NaN',
    step(`{ op: 'link.set', ns: 0, args: { index: NaN } }`),
    /index: must be an integer/,
  ],
  [
    'Infinity',
    step(`{ op: 'link.set', ns: 0, args: { mtu: Infinity } }`),
    /mtu: must be an integer/,
  ],
  [
    'a large bigint',
    step(`{ op: 'link.set', ns: 0, args: { mtu: 2n ** 70n } }`),
    /mtu: must fit into 64/,
  ],
  [
    'a function',
    step(`{ op: 'link.set', ns: 0, args: { mtu() {} } }`),
    /mtu: must be plain data/,
  ],
  [
    'a symbol',
    step(`{ op: 'link.set', ns: 0, args: { mtu: Symbol('s') } }`),
    /mtu: must be plain data/,
  ],
  [
    'a cycle',
    step(
      `(() => { const args = {}; args.args = args; return { op: 'link.set', ns: 0, args } })()`,
    ),
    /nested so deep/,
  ],
  [
    'a cycle of undo',
    step(
      `(() => { const s = { op: 'link.dump', ns: 0, args: {} }; s.undo = [s]; return s })()`,
    ),
    /undo|deep/,
  ],
  ['a list of 2^32 - 1', `a.runSync([h], new Array(4294967295), false)`, /steps|entries/],
  [
    'a list of that size inside',
    step(`{ op: 'link.set', ns: 0, args: { unknown: new Array(4294967295) } }`),
    /unknown|entries/,
  ],
  [
    'unknown without bytes',
    step(`{ op: 'link.set', ns: 0, args: { unknown: [{ type: 1, data: 'x' }] } }`),
    /unknown/,
  ],
  [
    'a sysctl with NUL',
    step(`{ op: 'sysctl.get', ns: 0, args: { name: 'net/ipv4/ip_forward\\0x' } }`),
    /name/,
  ],
  [
    'a next hop of weight 0',
    step(`{ op: 'route.new', ns: 0, args: { hops: [{ link: 1, weight: 0 }] } }`),
    /weight/,
  ],
  [
    'a next hop with more',
    step(`{ op: 'route.new', ns: 0, args: { hops: [{ link: 1, speed: 9 }] } }`),
    /speed/,
  ],
  [
    'a batch in a batch',
    step(
      `{ op: 'nft.batch', ns: 0, args: { messages: [{ op: 'nft.batch', args: {} }] } }`,
    ),
    /messages\.0/,
  ],
  ['a path of another type', 'a.openNetns(5)', /path must be/],
  ['a path with NUL', `a.openNetns('/proc\\0')`, /path must be/],
  ['an empty path', `a.deleteNetns('')`, /path must be/],
  ['no path', `a.deleteNetns()`, /path must be/],
  ['a pin of another type', `a.createNetns({})`, /path must be/],
  ['no lock arguments', 'a.lockFile()', /path must be/],
  ['lock: timeout as text', `a.lockFile('/tmp/x', 'soon', 'x')`, /timeoutMs/],
  ['lock: no label', `a.lockFile('/tmp/x', 0)`, /label/],
  ['a class without new', 'h.constructor()', /./],
  ['a method of another receiver', 'h.identity.call({})', /./],
]

t.test('misuse is a TypeError, and nothing is done', async (t) => {
  const { done, answers } = misuse(REFUSED.map(([, expression]) => expression))
  REFUSED.forEach(([what, , message], i) => {
    const { thrown, links } = answers[i] ?? { thrown: 'the process ended', links: '' }
    t.match(thrown, /^TypeError /, what)
    t.match(thrown, message, what)
    t.equal(links, 'lo', what)
  })
  t.match(done, { status: 0, signal: null }, done.stderr)
})

const THROWING = [
  `{ op: 'link.dump', ns: 0, args: { get mtu() { throw mine } } }`,
  `{ op: 'link.dump', ns: 0, args: new Proxy({}, { ownKeys() { throw mine } }) }`,
  `{ op: 'link.dump', ns: 0, args: { x: new Proxy({ y: 1 }, { get() { throw mine } }) } }`,
  `{ op: 'link.dump', ns: 0, args: {}, get undo() { throw mine } }`,
  `{ op: 'link.dump', ns: 0, args: {}, get flags() { throw mine } }`,
  `{ op: 'link.dump', ns: 0, args: {}, get accept() { throw mine } }`,
  `{ get op() { throw mine }, ns: 0, args: {} }`,
  `{ op: 'link.dump', get ns() { throw mine }, args: {} }`,
  `new Proxy({ op: 'link.dump' }, { get() { throw mine } })`,
  `new Proxy({}, { ownKeys() { throw mine } })`,
]

t.test('what code of the caller throws comes back as it is', async (t) => {
  const call = (way: string) => (text: string) =>
    `(() => { const mine = new RangeError('mine'); return a.${way}([h], [${make}, ${text}], false) })()`
  const namespaces = `(() => { const l = [h]; Object.defineProperty(l, 0, { get() { throw new RangeError('mine') } }); return a.runSync(l, [], false) })()`
  const all = [...THROWING.map(call('runSync')), ...THROWING.map(call('run')), namespaces]
  const { done, answers } = misuse(all)
  all.forEach((text, i) =>
    t.strictSame(answers[i], { thrown: 'RangeError mine', links: 'lo' }, text),
  )
  t.match(done, { status: 0, signal: null }, done.stderr)
})

t.test(
  'bytes over other kinds of buffers: taken or refused, never a crash',
  async (t) => {
    const buffers = [
      'new SharedArrayBuffer(4)',
      'new ArrayBuffer(4, { maxByteLength: 8 })',
    ]
    const call = (buffer: string) =>
      `a.runSync([h], [{ op: 'link.get', ns: 0, args: { name: 'lo', unknown: [{ type: 99, data: new Uint8Array(${buffer}) }] } }], false)`
    const { done, answers } = misuse(buffers.map(call))
    t.match(done, { status: 0, signal: null }, done.stderr)
    t.equal(answers.length, buffers.length)
    for (const { thrown } of answers) t.match(thrown, /^(took it|TypeError)/)
  },
)

t.test('methods on receivers that are not theirs', async (t) => {
  const lock = `a.lockFile('${t.testdir()}/lock', 0, 'x')`
  const receivers = [lock, '{}', 'null', '5', 'new (class {})()', 'Object.create(h)']
  const calls = receivers.flatMap((receiver) =>
    ['identity', 'fd', 'close'].map((name) => {
      const own = `Object.getOwnPropertyDescriptor(Object.getPrototypeOf(h), '${name}')`
      return `((own) => (own.value ?? own.get).call(${receiver}))(${own})`
    }),
  )
  calls.push(`Object.getPrototypeOf(${lock}).close.call(h)`)
  const { done, answers } = misuse(calls)
  t.match(done, { status: 0, signal: null }, done.stderr)
  calls.forEach((call, i) => t.match(answers[i]?.thrown, /^\w*Error/, call))
})

t.test('a handle that somebody constructs is a closed one', async (t) => {
  const done = child(`
    const made = new h.constructor()
    console.log(made.fd())
    made.close()
    for (const use of [() => made.identity(), () => a.runSync([made], [], false)]) {
      try { use() } catch (e) { console.log(e.name, e.message) }
    }`)
  t.match(done, { status: 0, signal: null })
  t.match(done.stdout, /^-1\nTypeError .*closed\nTypeError namespaces\.0/)
})

t.test('programs and aborts', async (t) => {
  const spec = (change: string) =>
    `a.spawn(h, { file: 'true', argv: ['true'], env: [], stdio: ['ignore', 'ignore', 'ignore'], ${change} }, () => {})`
  const cases: [string, RegExp][] = [
    ['a.spawn()', /namespace: not an open/],
    ['a.spawn({}, {}, () => {})', /namespace: not an open/],
    ['a.spawn(h)', /needs a namespace/],
    ['a.spawn(h, 5, () => {})', /file: must be/],
    [spec('file: ""'), /file: must be/],
    [spec('file: "a\\0b"'), /file: must be/],
    [spec('argv: []'), /argv: must be/],
    [spec('argv: [5]'), /argv: must be/],
    [spec('env: "PATH=/"'), /env: must be/],
    [spec('env: ["a\\0b"]'), /env: must be/],
    [spec('cwd: 5'), /cwd: must be/],
    [spec('stdio: ["pipe"]'), /stdio: must be/],
    [spec('stdio: ["pipe", "pipe", "tty"]'), /stdio: must be/],
    [spec('get cwd() { throw new TypeError("own words") }'), /own words/],
    ['a.run([h], [], false, {})', /abort: not what newAbort/],
    ['a.run([h], [], false, null)', /abort: not what newAbort/],
    ['a.run([h], [], false, h)', /abort: not what newAbort/],
    ['new (a.newAbort().constructor)().abort.call({})', /./],
  ]
  const { done, answers } = misuse(cases.map(([call]) => call))
  t.match(done, { status: 0, signal: null }, done.stderr)
  cases.forEach(([call, expected], i) => {
    t.match(answers[i]?.thrown, /^TypeError/, call)
    t.match(answers[i]?.thrown, expected, call)
  })
})

t.test('a child that nobody started', async (t) => {
  const done = child(`
    const spec = { file: 'true', argv: ['true'], env: ['PATH=/usr/bin:/bin'], stdio: ['ignore', 'ignore', 'ignore'] }
    const real = await new Promise((resolve) => {
      const one = a.spawn(h, spec, () => resolve(one))
    })
    console.log(real.end().code, real.pipe(1), real.kill(0).errno)
    real.close()
    real.close()
    for (const it of [real, new real.constructor()]) {
      console.log(it.pipe(0), it.kill(9).errno, it.hold(true))
      try { it.end() } catch (e) { console.log(e.name) }
      try { it.pipe(7) } catch (e) { console.log(e.name) }
    }`)
  t.match(done, { status: 0, signal: null }, done.stderr)
  const twice = '-1 3 undefined\nTypeError\nTypeError'
  t.equal(done.stdout, `0 -1 3\n${twice}\n${twice}`)
})
