/** Internet SNAT belongs to the network whose list asks for it: real packets, both ways. */
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniRunner } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import {
  addPod,
  assertOver,
  delPod,
  LIFETIMES,
  runtime,
  vnetCni,
  type Changes,
} from './support/setup.js'
import {
  allSee,
  fromInternet,
  listeningHost,
  MASQUERADE_TABLE,
  seenBy,
} from './support/internet.js'
import { bridgeNetfilter, hasTable, serve } from './support/traffic.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const HOST = ADDRESS.primary
const VNET = ['10.0.0.0/16', '10.1.0.0/16']

type Setting = boolean | { except: string[] }

/** A pod, and what its network asks for. */
interface Expected {
  readonly pod: string
  readonly address: string
  readonly masquerade: Setting
}

function network(
  host: AzureHost,
  name: string,
  masquerade: Setting,
  changes: Changes = {},
): CniRunner {
  return runtime(host, { name, portmap: false, ...changes, vnet: { masquerade } })
}

/** Adds a pod that answers the Internet. */
async function attach(runner: CniRunner, pod: string, masquerade: Setting) {
  const address = await addPod(runner, pod)
  await serve(runner.host, pod)
  return { pod, address, masquerade }
}

/** Asserts what the world sees of pods, and that it reaches them. */
async function allAsAsked(
  test: Test,
  host: AzureHost,
  pods: readonly Expected[],
  when: string,
): Promise<void> {
  for (const { pod, address, masquerade } of pods) {
    const wanted = allSee(address, masquerade === false ? address : HOST)
    test.strictSame(await seenBy(host, pod), wanted, `${when}: from ${pod}`)
    const answer = await fromInternet(host, address)
    test.equal(answer, `${pod} ${ADDRESS.internet}`, `${when}: to ${pod}`)
  }
}

for (const netfilter of [false, true]) {
  const name = `two networks on one bridge, bridge-nf-call-iptables=${Number(netfilter)}`
  t.test(name, async (test) => {
    const lifetime = LIFETIMES[Number(netfilter)]!
    const host = await listeningHost(test)
    await bridgeNetfilter(host, netfilter)
    const before = await host.snapshot({ state: false })
    const on = { except: VNET }
    const shop = network(host, 'shop', on, { lifetime })
    const plain = network(host, 'plain', false, { lifetime })
    const a = await attach(shop, 'a', on)
    await allAsAsked(test, host, [a], 'alone')
    const b = await attach(plain, 'b', false)
    await allAsAsked(test, host, [a, b], 'after the ADD of a network without')
    const c = await attach(shop, 'c', on)
    await allAsAsked(test, host, [a, b, c], 'after another ADD of the first')
    await delPod(plain, 'b')
    await allAsAsked(test, host, [a, c], 'after the DEL of the other')
    const d = await attach(plain, 'd', false)
    await delPod(shop, 'a')
    await allAsAsked(test, host, [c, d], 'after a DEL of the first')
    await delPod(shop, 'c')
    await allAsAsked(test, host, [d], 'when the first has no pods')
    const e = await attach(shop, 'e', on)
    await allAsAsked(test, host, [d, e], 'and has one again')
    test.equal(await host.fabricDrops('mac'), 0)
    test.equal(await host.fabricDrops('address'), 0)
    for (const [runner, pod] of [[plain, 'd'] as const, [shop, 'e'] as const])
      await delPod(runner, pod)
    await assertOver(test, host, before, lifetime)
  })
}

t.test('each network has its own exceptions', async (test) => {
  const host = await listeningHost(test)
  const wide = network(host, 'wide', { except: VNET })
  const narrow = network(host, 'narrow', { except: ['10.0.0.0/24'] })
  const auto = network(host, 'auto', true)
  await addPod(wide, 'w')
  await addPod(narrow, 'n')
  await addPod(auto, 'm')
  const peered = async (pod: string) => (await seenBy(host, pod))['peeredVm']
  const own = Object.fromEntries(
    await Promise.all(
      ['w', 'n', 'm'].map(async (pod) => [pod, (await seenBy(host, pod))['secondVm']]),
    ),
  ) as Record<string, string>
  test.equal(new Set(Object.values(own)).size, 3, 'the VNet sees the pods themselves')
  test.equal(await peered('w'), own['w'], 'excepted')
  test.equal(await peered('n'), HOST, 'not excepted')
  test.equal(await peered('m'), HOST, 'only the VNet of the pool is')
  await delPod(narrow, 'n')
  test.equal(await peered('w'), own['w'])
  test.equal(await peered('m'), HOST)
})

t.test(
  'a changed list counts for the pods of its network, and no others',
  async (test) => {
    const host = await listeningHost(test)
    const internet = async (pod: string) => (await seenBy(host, pod))['internet']
    const off = network(host, 'shop', false)
    const on = network(host, 'shop', { except: VNET })
    const other = network(host, 'other', false)
    const a = await addPod(off, 'a')
    const o = await addPod(other, 'o')
    test.equal(await internet('a'), a)
    const b = await addPod(on, 'b')
    test.equal(await internet('a'), HOST, 'on, with the next ADD')
    test.equal(await internet('b'), HOST)
    test.equal(await internet('o'), o)
    await addPod(network(host, 'shop', { except: ['0.0.0.0/1'] }), 'c')
    test.equal((await seenBy(host, 'a'))['peeredVm'], a, 'other exceptions')
    const d = await addPod(off, 'd')
    test.equal(await internet('d'), d)
    test.equal(await internet('a'), a, 'off again')
    test.equal(await internet('b'), b)
    test.notOk(await hasTable(host, 'ip', MASQUERADE_TABLE))
  },
)

t.test('rules grow with networks, never with pods', async (test) => {
  const host = await listeningHost(test)
  const rules = async () =>
    (await host.exec('nft', ['-t', '-s', 'list', 'ruleset'])).stdout
  const shop = network(host, 'shop', { except: VNET })
  const plain = network(host, 'plain', false)
  await addPod(shop, 'a')
  const one = await rules()
  for (const pod of ['b', 'c']) await addPod(shop, pod)
  for (const pod of ['x', 'y']) await addPod(plain, pod)
  test.equal(await rules(), one)
  for (const [runner, pod] of [[shop, 'a'] as const, [plain, 'x'] as const])
    await delPod(runner, pod)
  test.equal(await rules(), one)
})

t.test('SNAT comes back with the next ADD of any network', async (test) => {
  const host = await listeningHost(test)
  const on = { except: VNET }
  const shop = network(host, 'shop', on)
  const plain = network(host, 'plain', false)
  const a = await attach(shop, 'a', on)
  const flushes = [
    ['flush', 'ruleset'],
    ['flush', 'ruleset', 'ip'],
    ['delete', 'table', 'ip', MASQUERADE_TABLE],
  ]
  for (const [i, flush] of flushes.entries()) {
    await host.exec('nft', flush)
    const other = await attach(plain, `x${i}`, false)
    await allAsAsked(test, host, [a, other], `after nft ${flush.join(' ')}`)
    await delPod(plain, `x${i}`)
  }
  await host.exec('nft', ['flush', 'ruleset', 'ip'])
  const repaired = await vnetCni(host, 'repair')
  test.equal(repaired.code, 0, repaired.stderr)
  await allAsAsked(test, host, [a], 'after a repair')
})
