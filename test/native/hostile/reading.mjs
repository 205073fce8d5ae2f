// Code of the caller's that runs while its arguments are read, and what it may do there. Prints a
// line of JSON for each case: its name, and what came of it.
import { addon } from '../../../dist/esm/binding.js'

const a = addon()
const get = (name = 'lo') => ({ op: 'link.get', ns: 0, args: { name } })
const count = (outcome) => outcome.failure ?? outcome.results.length
const spec = {
  file: '/bin/true',
  argv: ['true'],
  env: [],
  stdio: ['ignore', 'ignore', 'ignore'],
}

// An array whose element `i` runs code when it is read.
const reading = (list, i, code) =>
  Object.defineProperty(list, i, { enumerable: true, configurable: true, get: code })

const cases = {
  'steps grow': (h) => {
    const steps = [0, get()]
    reading(steps, 0, () => {
      for (let i = 0; i < 1000; i++) steps.push(get())
      return get()
    })
    return count(a.runSync([h], steps, false))
  },
  'steps go': (h) => {
    const steps = [0, get(), get()]
    reading(steps, 0, () => ((steps.length = 1), get()))
    return a.runSync([h], steps, false)
  },
  'namespaces grow': (h) => {
    const list = [0]
    reading(list, 0, () => {
      for (let i = 0; i < 1000; i++) list.push({})
      return h
    })
    return count(a.runSync(list, [get()], false))
  },
  'undo grows': (h) => {
    const undo = [0]
    reading(undo, 0, () => {
      for (let i = 0; i < 1000; i++) undo.push({})
      return get()
    })
    return count(a.runSync([h], [{ ...get(), undo }], false))
  },
  'accept grows': (h) => {
    const accept = [0]
    reading(accept, 0, () => {
      for (let i = 0; i < 1000; i++) accept.push('x')
      return 19
    })
    return count(a.runSync([h], [{ ...get('none'), accept }], false))
  },
  'the names of members grow': (h) => {
    const only = [0]
    reading(only, 0, () => {
      for (let i = 0; i < 1000; i++) only.push({})
      return 'name'
    })
    return count(a.runSync([h], [{ op: 'link.dump', ns: 0, args: {}, only }], false))
  },
  'a list in the arguments grows': (h) => {
    const unknown = [0]
    reading(unknown, 0, () => {
      for (let i = 0; i < 1000; i++) unknown.push('x')
      return { type: 200, data: new Uint8Array(0) }
    })
    return count(
      a.runSync([h], [{ op: 'link.get', ns: 0, args: { name: 'lo', unknown } }], false),
    )
  },
  'members come and go': (h) => {
    const args = {
      get name() {
        delete args.index
        for (let i = 0; i < 1000; i++) args[`more${i}`] = i
        return 'lo'
      },
      index: 'not a number',
    }
    return count(a.runSync([h], [{ op: 'link.get', ns: 0, args }], false))
  },
  'the same call from within': (h) => {
    let depth = 0
    const step = () => ({
      op: 'link.get',
      ns: 0,
      args: {
        get name() {
          if (depth++ < 20) a.runSync([h], [step()], false)
          return 'lo'
        },
      },
    })
    return count(a.runSync([h], [step()], false))
  },
  'endless calls from within': (h) => {
    const args = { get name() { return a.runSync([h], [{ op: 'link.get', ns: 0, args }], false) } } // prettier-ignore
    return a.runSync([h], [{ op: 'link.get', ns: 0, args }], false)
  },
  'the namespace is closed': (h) => {
    const args = { get name() { h.close(); return 'lo' } } // prettier-ignore
    return count(a.runSync([h], [{ op: 'link.get', ns: 0, args }], false))
  },
  'the namespace is closed while a program is described': (h) => {
    const closing = { ...spec, get file() { h.close(); return '/bin/true' } } // prettier-ignore
    const child = a.spawn(h, closing, () => undefined)
    child.close()
    return 'started'
  },
  'the namespace is closed while kinds are read': (h) => {
    const kinds = reading([0], 0, () => (h.close(), 'link'))
    a.openMonitor(h, kinds, 1, 0, () => undefined).close()
    return 'opened'
  },
  'kinds grow': (h) => {
    const kinds = [0]
    reading(kinds, 0, () => (kinds.push('none', 'none'), 'link'))
    a.openMonitor(h, kinds, 1, 0, () => undefined).close()
    return 'opened'
  },
  'bytes are detached by a member before them': (h) => {
    const data = new Uint8Array(8)
    const one = {
      get type() {
        structuredClone(data.buffer, { transfer: [data.buffer] })
        return 200
      },
      data,
    }
    return a.runSync(
      [h],
      [{ op: 'link.get', ns: 0, args: { name: 'lo', unknown: [one] } }],
      false,
    )
  },
  'bytes become fewer by a member before them': (h) => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 8 })
    const one = {
      get type() {
        buffer.resize(0)
        return 200
      },
      data: new Uint8Array(buffer, 4, 4),
    }
    return a.runSync(
      [h],
      [{ op: 'link.get', ns: 0, args: { name: 'lo', unknown: [one] } }],
      false,
    )
  },
  'a view that goes with its buffer': (h) => {
    const buffer = new ArrayBuffer(4, { maxByteLength: 8 })
    const data = new Uint8Array(buffer)
    buffer.resize(2)
    const one = { type: 200, data }
    return count(
      a.runSync(
        [h],
        [{ op: 'link.get', ns: 0, args: { name: 'lo', unknown: [one] } }],
        false,
      ),
    )
  },
  'much in little': (h) => {
    let args = { leaf: 'x' }
    for (let i = 0; i < 22; i++) args = { a: args, b: args }
    return a.runSync([h], [{ op: 'link.get', ns: 0, args }], false)
  },
  'a reference in another order': (h) => {
    const index = { field: 'index', ref: 0 }
    return count(
      a.runSync([h], [get(), { op: 'link.get', ns: 0, args: { index } }], false),
    )
  },
  'a reference as a bigint': (h) =>
    count(
      a.runSync(
        [h],
        [get(), { op: 'link.get', ns: 0, args: { index: { ref: 0n } } }],
        false,
      ),
    ),
  'a step with more': (h) => a.runSync([h], [{ ...get(), arguments: {} }], false),
  'own words for an array': (h) => {
    const error = new SyntaxError('own words')
    return a.runSync([h], reading([0], 0, () => { throw error }), false) // prettier-ignore
  },
}

for (const [name, act] of Object.entries(cases)) {
  const h = a.createNetns()
  let said
  try {
    said = act(h)
  } catch (error) {
    said = `${error.name}: ${error.message}`
  }
  console.log(JSON.stringify({ name, said }))
}
process.exit(0)
