// Every kind of calls into the addon, for what is done with them while they run. A new entry needs a
// place here: a test looks for those that nothing calls.
import { closeSync } from 'node:fs'

const step = (op, args = {}, flags = 0) => ({ op, ns: 0, flags, args })
const bridge = step('link.new', { name: 'b0', info: { kind: 'bridge' } }, 0x600)
const remove = step('link.del', { name: 'b0' })
const names = ['link', 'address', 'route', 'rule', 'nft']
const program = (stdio) => ({
  file: '/bin/true',
  argv: ['true'],
  env: [],
  stdio: [stdio, stdio, stdio],
})
const refused = (call) => {
  try {
    call()
  } catch {
    return
  }
  throw new Error('it was taken')
}

/** One turn of each, in a namespace `h`, with a file `lock` to be locked. */
export function makeKinds(a, h, lock) {
  const run = (...steps) => a.runSync([h], steps, false)
  let monitor
  return {
    create: () => a.createNetns().close(),
    open() {
      const one = a.openNetns('/proc/thread-self/ns/net')
      one.identity()
      one.fd()
      one.close()
      a.deleteNetns('/nowhere/at/all')
    },
    forget: () => void [a.openNetns('/proc/thread-self/ns/net'), a.newAbort()],
    dump: () => run(step('link.dump'), step('route.dump'), step('rule.dump')),
    change: () => run(bridge, remove),
    failure: () => run(bridge, step('link.get', { name: 'none' })),
    undo: () => run({ ...bridge, undo: [remove] }, step('link.get', { name: 'none' })),
    batch() {
      const table = { family: 2, name: 't' }
      const messages = [
        { op: 'nft.table.new', flags: 0x400, args: table },
        { op: 'nft.table.del', args: table },
      ]
      run(step('nft.batch', { messages }), step('nft.table.dump'))
    },
    flush: () => run(step('address.flush', { family: 2 }), step('conntrack.list')),
    sysctl: () => run(step('sysctl.get', { name: 'net/ipv4/ip_forward' })),
    tun: () =>
      run(step('tun.new', { name: 't0', type: 1 }), step('link.del', { name: 't0' })),
    async async() {
      await Promise.all([1, 2, 3].map(() => a.run([h], [bridge, remove], true)))
    },
    async abort() {
      const abort = a.newAbort()
      const running = a.run([h], [bridge, step('link.dump'), remove], false, abort)
      abort.abort()
      await running
    },
    misuse() {
      refused(() => a.runSync([h], [step('link.set', { mtu: NaN })], false))
      refused(() => a.run([{}], [], false))
      refused(() => a.openNetns(5))
      refused(() => a.spawn(h, {}, () => undefined))
      refused(() => a.openMonitor(h, ['none'], 1, 0, () => undefined))
      refused(() => h.identity.call({}))
      refused(() => h.constructor())
      refused(() => a.exitNow('soon'))
    },
    getters() {
      let steps = []
      const args = {
        get name() {
          for (let i = 0; i < 8; i++) steps.push(step('link.dump'))
          run(step('link.dump'))
          return 'lo'
        },
      }
      steps = [step('link.get', args)]
      a.runSync([h], steps, false)
    },
    lock() {
      const held = a.lockFile(lock, 0, 'x')
      a.lockFile(lock, 0, 'y')
      if (!('errno' in held)) held.close()
    },
    monitor() {
      const one = a.openMonitor(h, names, 16, 0, () => undefined)
      one.hold(true)
      run(bridge, remove)
      one.take(64)
      one.close()
    },
    events() {
      monitor ??= a.openMonitor(h, names, 16, 0, () => {
        while (monitor.take(4).length > 0);
      })
      run(bridge, remove)
    },
    leave: () => void a.openMonitor(h, names, 16, 0, () => undefined).hold(true),
    async spawn() {
      await new Promise((resolve) => {
        const child = a.spawn(h, program('pipe'), () => {
          child.end()
          child.close()
          resolve()
        })
        closeSync(child.pipe(1))
        child.pid()
        child.kill(9)
      })
    },
    abandon: () => void a.spawn(h, program('ignore'), () => undefined).hold(false),
    // What ends while the addon is being loaded; the parent does not wait for a word here.
    load: () => undefined,
  }
}
