import { existsSync } from 'node:fs'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { json, syscallError } from './helper.js'

t.test('pinned: create, open by name, delete', async (t) => {
  const name = `vnet-cni-test-${process.pid}`
  using ns = NetNs.create({ name })
  t.teardown(() => {
    if (existsSync(`/run/netns/${name}`)) NetNs.delete(name)
  })
  using byPath = NetNs.open(`/run/netns/${name}`)
  t.ok(byPath.equals(ns))
  const listed = json(ns, 'ip netns list').map((n) => n['name'])
  t.ok(listed.includes(name), 'ip netns lists it')
  const taken = syscallError(() => NetNs.create({ name }))
  t.match(taken, { name: 'SyscallError', code: 'EEXIST', errno: 17, op: 'netns.create' })
  t.match(taken.message, name)
  NetNs.delete(name)
  t.notOk(existsSync(`/run/netns/${name}`))
  t.match(
    syscallError(() => NetNs.delete(name)),
    { code: 'ENOENT', op: 'netns.delete' },
  )
  t.equal(json(ns, 'ip link').length, 1, 'the handle still has it')
  t.ok(ns.equals(byPath))
})
