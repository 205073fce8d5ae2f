// Prints the entries of the addon, methods of its handles included, that no kind of calls calls.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { addon } from '../../../dist/esm/binding.js'
import { makeKinds } from './kinds.mjs'

const known = new Set()
const called = new Set()

// Puts a function that takes notes in the place of each method.
function record(object, prefix) {
  for (const name of Object.getOwnPropertyNames(object)) {
    const method = object[name]
    if (name === 'constructor' || typeof method !== 'function') continue
    known.add(prefix + name)
    object[name] = function (...values) {
      called.add(prefix + name)
      const answer = Reflect.apply(method, this, values)
      const { constructor } = Object(answer)
      // A handle, of a class of ours.
      if (constructor?.name.startsWith('Native') && !known.has(constructor.name)) {
        known.add(constructor.name)
        called.add(constructor.name)
        record(constructor.prototype, `${constructor.name}.`)
      }
      return answer
    }
  }
}

const a = { ...addon() }
record(a, '')
const lock = join(tmpdir(), `vnet-cni-covered-${process.pid}.lock`)
for (const act of Object.values(makeKinds(a, a.createNetns(), lock))) await act()
rmSync(lock, { force: true })
console.log(JSON.stringify([...known].filter((name) => !called.has(name))))
process.exit(0)
