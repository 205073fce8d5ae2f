// Calls every entry with each hostile value in every place of its arguments. Prints a line of JSON
// for each that was taken or not refused as it should be, then one that sums up.
import { addon } from '../../../dist/esm/binding.js'
import { entries } from './entries.mjs'
import { values } from './values.mjs'

const a = addon()
const h = a.createNetns()
const table = entries(a, h)
const hostile = values(h)
const print = (line) => console.log(JSON.stringify(line))

const isData = (value) =>
  Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype)

// The places of arguments, outermost first: [0], [1, 0, 'args', 'name'].
function places(value, path = []) {
  if (!isData(value)) return [path]
  const inner = Object.keys(value).flatMap((key) => places(value[key], [...path, key]))
  return path.length === 0 ? inner : [path, ...inner]
}

function place(root, path, value) {
  let at = root
  for (const key of path.slice(0, -1)) at = at[key]
  at[path.at(-1)] = value
  return root
}

function call(name, given, self) {
  const object = table[name].self ?? a
  return Reflect.apply(object[name.split('.').at(-1)], self, given)
}

async function outcome(name, given) {
  let answer
  try {
    answer = call(name, given, table[name].self)
  } catch (error) {
    return `${error?.name}: ${error?.message}`
  }
  // What is wrong is thrown at once: a rejection is none of the right outcomes.
  answer = await Promise.resolve(answer).catch((error) => `rejected: ${error}`)
  if (typeof answer === 'string') return answer
  if (answer?.constructor?.name?.startsWith('Native')) answer.close?.()
  return 'took it'
}

// Thrown by the caller's own code, or by the engine about the caller's proxy.
const CALLERS = /^RangeError: mine$|^TypeError: .* on (?:a )?proxy/

let calls = 0
for (const [name, { given }] of Object.entries(table)) {
  for (const path of places(given())) {
    // The member's name, where the place has one.
    const last = path.findLast((key) => !/^\d+$/.test(key)) ?? ''
    // A complaint about the arguments themselves begins with the name of the operation.
    const member = last === 'args' ? '' : last
    for (const [what, make] of Object.entries(hostile)) {
      calls++
      const said = await outcome(name, place(given(), path, make()))
      const fine = said.startsWith('TypeError: ') && said.includes(member)
      if (!fine && !CALLERS.test(said)) print({ name, place: path.join('.'), what, said })
    }
  }
}

// Receivers that are not theirs.
const receivers = { ...hostile, undefined: () => undefined, null: () => null }
for (const [name, { self, given }] of Object.entries(table)) {
  if (!self) continue
  const others = Object.values(table).filter((one) => one.self && one.self !== self)
  const made = [
    ...Object.entries(receivers).map(([what, make]) => [what, make()]),
    ...others
      .filter((one) => one.self.constructor !== self.constructor)
      .map((one) => [one.self.constructor.name, one.self]),
    ['by prototype', Object.create(self)],
    ['a proxy', new Proxy(self, {})],
    ['its prototype', Object.getPrototypeOf(self)],
  ]
  for (const [what, receiver] of made) {
    calls++
    try {
      call(name, given(), receiver)
      print({ name, place: 'this', what, said: 'took it' })
    } catch (error) {
      if (!(error instanceof TypeError)) {
        print({ name, place: 'this', what, said: String(error) })
      }
    }
  }
}

// Classes: without new, with hostile arguments, for another class, twice for one object.
const classes = new Set(
  Object.values(table).flatMap(({ self }) => self?.constructor ?? []),
)
for (const Class of classes) {
  for (const [what, misuse] of [
    ['without new', () => Class()],
    ['on a handle', () => Class.call(new Class())],
    ['as a method', () => ({ Class }).Class()],
  ]) {
    calls++
    try {
      misuse()
      print({ name: Class.name, place: 'new', what, said: 'took it' })
    } catch (error) {
      if (!(error instanceof TypeError)) {
        print({ name: Class.name, place: 'new', what, said: String(error) })
      }
    }
  }
  for (const make of Object.values(hostile)) {
    calls++
    void new Class(make(), make())
  }
  void Reflect.construct(Class, [], Object)
}

// A handle that was made so is one of nothing: its methods answer or throw, as any.
for (const [name, { self, given }] of Object.entries(table)) {
  if (!self) continue
  calls++
  try {
    call(name, given(), new self.constructor())
  } catch (error) {
    if (!(error instanceof TypeError)) {
      print({ name, place: 'this', what: 'of nothing', said: String(error) })
    }
  }
}

// What there is, and what the table knows.
const there = Object.keys(a)
for (const Class of classes) {
  for (const name of Object.getOwnPropertyNames(Class.prototype)) {
    if (name !== 'constructor') there.push(`${Class.name}.${name}`)
  }
}
const dump = a.runSync([h], [{ op: 'link.dump', ns: 0, args: {} }], false)
print({
  calls,
  unknown: there.filter((name) => !table[name]),
  gone: Object.keys(table).filter((name) => !there.includes(name)),
  // Each class has an entry that answers with it.
  classes: [...classes].map(({ name }) => name),
  links: dump.results[0].map((link) => link.name).join(),
})
process.exit(0)
