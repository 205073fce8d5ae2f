import t from 'tap'
import { readVerb } from '../../dist/esm/cni/plugin/request.js'
import { findPlugin } from '../../dist/esm/cni/runtime/delegate.js'
import { parseList } from '../../dist/esm/cni/runtime/list.js'
import {
  identifierRule,
  interfaceRule,
  pluginTypeRule,
} from '../../dist/esm/cni/spec/names.js'
import { checkLinkName } from '../../lib/netlink/base/check.js'
import { parseVnetConfig } from '../../dist/esm/plugins/azure-vnet/config.js'

const env = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c',
  CNI_NETNS: '/x',
  CNI_IFNAME: 'eth0',
}
const ipam = { type: 'azure-vnet-ipam' }

t.test('names of interfaces: one rule for every way in', async (t) => {
  for (const name of ['eth0', 'eth0.100', '-x', 'ünïcödé', '@', 'abcdefghijklmno', '...'])
    t.doesNotThrow(() => {
      if (!interfaceRule.fits(name)) throw new Error('refused')
      checkLinkName(name)
      readVerb({ ...env, CNI_IFNAME: name })
      parseVnetConfig({ ipam, master: name, bridge: name })
    }, name)
  const wrong = ['eth%d', '%', 'a/b', 'a:b', 'a b', 'a\tb', 'a\nb', 'a\0', '.', '..']
  // As bytes: 16 of them, and one that the kernel takes for white space (à is C3 A0).
  for (const name of [...wrong, 'a'.repeat(16), 'é'.repeat(8), 'aà', 'a\u00a0b']) {
    t.notOk(interfaceRule.fits(name), JSON.stringify(name))
    t.throws(() => checkLinkName(name), { name: 'TypeError' })
    const inCall = { code: 4, msg: /^CNI_IFNAME: .* is not valid: use 1 to 15 bytes/ }
    t.throws(() => readVerb({ ...env, CNI_IFNAME: name }), inCall)
    for (const key of ['master', 'bridge']) {
      const inConfig = { code: 7, msg: new RegExp(`^${key}: .* use 1 to 15 bytes`) }
      t.throws(() => parseVnetConfig({ ipam, [key]: name }), inConfig)
    }
  }
  t.notOk(interfaceRule.fits(''), 'an empty one')
})

t.test('container IDs and names of networks', async (t) => {
  const plugins = [{ type: 'a' }]
  for (const name of ['a', '0', 'a_.-', 'A'.repeat(300)]) {
    t.ok(identifierRule.fits(name), name)
    t.equal(parseList({ name, plugins }, 'x').name, name)
  }
  for (const name of ['', '.a', '-a', '_a', 'a b', 'a/b', 'a@b', 'é', 'a\n']) {
    t.notOk(identifierRule.fits(name), JSON.stringify(name))
    t.throws(() => parseList({ name, plugins }, 'x'), { code: 7, msg: /^x: name: / })
    if (name === '') continue
    const msg = /^CNI_CONTAINERID: .* use letters, digits/
    t.throws(() => readVerb({ ...env, CNI_CONTAINERID: name }), { code: 4, msg })
  }
})

t.test('types of plug-ins', async (t) => {
  for (const type of ['azure-vnet', 'a b', '...', '.a'])
    t.ok(pluginTypeRule.fits(type), type)
  for (const type of ['', '.', '..', '/bin/sh', 'a/b', '../a', 'a\0']) {
    t.notOk(pluginTypeRule.fits(type), JSON.stringify(type))
    t.throws(() => findPlugin(type, '/bin', 'type'), { code: 7, msg: /^type: / })
    const inList = { code: 7, msg: /^x: plugins\[0\]\.type/ }
    t.throws(() => parseList({ name: 'n', plugins: [{ type }] }, 'x'), inList)
    t.throws(() => parseVnetConfig({ ipam: { type } }), { code: 7, msg: /^ipam\.type/ })
  }
})
