/** A state file that is damaged in any way: ADD and DEL succeed, and pods are known by their tags. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { CONFIG, FakeVm, ownerOf, type Config } from '../helpers/fake-vm.js'

interface Document {
  version: unknown
  bootId: unknown
  data: Record<string, any>
}

const FILE = 'azure-vnet.json'

/** What somebody did to the text of the file. */
type Damage = (text: string) => string

/** Damage to the document, which is JSON still. */
const change =
  (how: (document: Document) => unknown): Damage =>
  (text) => {
    const document = JSON.parse(text) as Document
    return JSON.stringify(how(document) ?? document)
  }

const member = (name: string, value: unknown): Damage =>
  change(({ data }) => void (data[name] = value))

/** Puts a value in the place of every record of a kind. */
const each = (kind: 'networks' | 'attachments', value: unknown): Damage =>
  change(({ data }) => {
    for (const key of Object.keys(data[kind])) data[kind][key] = value
  })

/** Puts a value in the place of a member of every record of a kind. */
const within = (kind: 'networks' | 'attachments', name: string, value: unknown): Damage =>
  change(({ data }) => {
    for (const record of Object.values<any>(data[kind])) record[name] = value
  })

const WRONG = [null, 7, 'text', [], {}, [null]]

const DAMAGES: [string, Damage][] = [
  ['empty', () => ''],
  ['one byte', () => '{'],
  ['cut in the middle', (text) => text.slice(0, text.length / 2)],
  ['the last byte is missing', (text) => text.trimEnd().slice(0, -1)],
  ['zeros, as a file system leaves them', (text) => '\0'.repeat(text.length)],
  ['a list', () => '[]'],
  ['null', () => 'null'],
  ['an empty object', () => '{}'],
  ['version 99', change((document) => void (document.version = 99))],
  ['version 0', change((document) => void (document.version = 0))],
  ['version as text', change((document) => void (document.version = '2'))],
  ['no data', change(({ version, bootId }) => ({ version, bootId }))],
  ['a boot id that is a number', change((document) => void (document.bootId = 5))],
  [
    'version 1 with null members',
    change(({ bootId }) => ({
      version: 1,
      bootId,
      data: { bridges: null, endpoints: null },
    })),
  ],
  [
    'version 1 with members of version 2',
    change((document) => void (document.version = 1)),
  ],
  ...WRONG.flatMap((value): [string, Damage][] => {
    const shown = JSON.stringify(value)
    return [
      [`data is ${shown}`, change((document) => void (document.data = value as never))],
      ...(['networks', 'attachments'] as const).flatMap((kind): [string, Damage][] => {
        // An empty object is no damage: nothing is on record.
        const whole: [string, Damage][] =
          shown === '{}' ? [] : [[`${kind} are ${shown}`, member(kind, value)]]
        return [...whole, [`every one of the ${kind} is ${shown}`, each(kind, value)]]
      }),
    ]
  }),
  ...['name', 'nic', 'phase', 'made', 'lifetime', 'move', 'masquerade'].map(
    (name): [string, Damage] => [`${name} of networks`, within('networks', name, null)],
  ),
  ...['phase', 'owner', 'addresses', 'links'].map((name): [string, Damage] => [
    `${name} of attachments`,
    within('attachments', name, 7),
  ]),
]

const WITH_NAME: Config = { ...CONFIG, masquerade: true }
const { bridge: _name, ...unnamed } = WITH_NAME

async function survives(test: Test, config: Config, damage: Damage): Promise<void> {
  const vm = new FakeVm()
  const how = { config }
  for (const pod of ['a', 'b']) test.equal((await vm.add(pod, how)).status, 0)
  const text = readFileSync(vm.file(FILE), 'utf8')
  writeFileSync(vm.file(FILE), damage(text))

  test.equal((await vm.del('a', how)).status, 0, 'DEL of a pod that has no record')
  test.notOk(vm.links().includes(hostLinkName(ownerOf('a'))), 'its link is gone')
  test.notOk(hasElement(vm, 'a'), 'its elements too')
  test.strictSame(vm.leased(), ['10.0.0.6/24'], 'and its lease')
  test.ok(vm.links().includes(hostLinkName(ownerOf('b'))), 'the other pod is there')
  test.ok(hasElement(vm, 'b'))

  const { status, json } = await vm.add('c', how)
  test.equal(status, 0, `ADD: ${JSON.stringify(json)}`)
  test.ok(hasElement(vm, 'b'), 'the other pod is in the tables that the ADD made anew')
  test.ok(existsSync(`${vm.file(FILE)}.bad`), 'the damaged file is kept')
  for (const pod of ['b', 'c']) test.equal((await vm.del(pod, how)).status, 0)
  test.strictSame(vm.recorded(), {})
  test.strictSame(vm.leased(), [])
  const links = vm.links().filter((name) => name.startsWith('azv'))
  test.strictSame(links, [], 'no link is left')
}

function hasElement(vm: FakeVm, pod: string): boolean {
  const tag = Buffer.from(`azure/${pod}/eth0`).toString('hex')
  return JSON.stringify(vm.picture()).includes(tag)
}

for (const [name, damage] of DAMAGES) {
  t.test(name, async (t) => {
    await t.test('the list names its bridge', (test) => survives(test, WITH_NAME, damage))
    await t.test('the bridge has its own name', (test) => survives(test, unnamed, damage))
  })
}
