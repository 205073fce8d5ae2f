import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  attachmentForDel,
  netnsId,
  ownerOfFile,
  type AttachmentRecord,
} from '../../dist/esm/cni/runtime/attachment-record.js'
import { Attachments } from '../../dist/esm/cni/runtime/attachments.js'
import { FakeMachine } from '../helpers/fake-host.js'

/** What `vnet-cni attach -p 8080:80` of version 0.1.0 wrote, before records had a version. */
const OLD_FILE = readFileSync(
  new URL('../fixtures/attachment-0.1.0.record', import.meta.url),
  'utf8',
)
const OLD_NAME = 'azure@web1@eth0.json'

const record: AttachmentRecord = {
  list: { cniVersion: '0.3.1', name: 'net', plugins: [{ type: 'a' }, { type: 'b' }] },
  attachment: {
    containerId: 'c',
    netns: '/proc/1/ns/net',
    ifname: 'eth0',
    args: 'A=B',
    capabilityArgs: { portMappings: [{ hostPort: 1 }] },
  },
  pod: 'ns/name',
  netnsId: '4:5',
  bootId: 'boot-1',
  runs: [
    {
      position: 0,
      config: { cniVersion: '0.3.1', name: 'net', type: 'a' },
      ended: true,
    },
    {
      position: 1,
      config: { cniVersion: '0.3.1', name: 'net', type: 'b', prevResult: { dns: {} } },
      ended: false,
    },
  ],
  result: { dns: {} },
}

function rig(test: Test) {
  const machine = new FakeMachine()
  test.teardown(() => rmSync(machine.folder, { recursive: true }))
  const keep = join(machine.folder, 'keep', 'attachments')
  const old = join(machine.folder, 'state', 'attachments')
  const said: string[] = []
  const open = () => new Attachments(machine.call(), (text) => said.push(text))
  return { machine, keep, old, said, open }
}

t.test('a record survives as it was saved, and a reboot', async (t) => {
  const { machine, keep, open } = rig(t)
  const records = open()
  t.strictSame(records.list(), { records: [], damaged: [] }, 'none without a folder')
  records.save({ ...record, runs: [] })
  records.save(record)
  t.strictSame(readdirSync(keep), ['net@c@eth0.json'], 'one file, nothing beside it')
  t.equal(statSync(join(keep, 'net@c@eth0.json')).mode & 0o777, 0o600)
  rmSync(join(machine.folder, 'state'), { recursive: true })
  machine.bootId = 'boot-2'
  t.strictSame(open().list(), { records: [record], damaged: [] })
  records.forget({ network: 'net', containerId: 'c', ifname: 'eth0' })
  records.forget({ network: 'net', containerId: 'c', ifname: 'eth0' })
  t.strictSame(readdirSync(keep), [])
})

t.test('the namespace of another boot is not the one that was attached', async (t) => {
  const { machine } = rig(t)
  const netns = join(machine.folder, 'ns')
  writeFileSync(netns, '')
  const own = { ...record, attachment: { ...record.attachment, netns } }
  const same = { ...own, netnsId: netnsId(netns) }
  t.equal(attachmentForDel(same, 'boot-1').netns, netns)
  t.equal(attachmentForDel(same, 'boot-2').netns, '', 'numbers repeat after a reboot')
  t.equal(attachmentForDel({ ...same, bootId: '' }, 'boot-1').netns, '', 'not known')
  t.equal(attachmentForDel(own, 'boot-1').netns, '', 'the path leads elsewhere')
  t.equal(attachmentForDel({ ...own, netnsId: '' }, 'boot-1').netns, '')
  t.equal(netnsId(join(machine.folder, 'nothing')), '')
})

t.test('a file of version 0.1.0 is taken over from the state folder', async (t) => {
  const { machine, keep, old, said, open } = rig(t)
  mkdirSync(old, { recursive: true })
  writeFileSync(join(old, OLD_NAME), OLD_FILE)
  const check = () => {
    const { records, damaged } = open().list()
    t.strictSame(damaged, [])
    t.equal(records.length, 1)
    const [moved] = records
    t.match(moved, {
      pod: 'shop/web',
      bootId: 'boot-1',
      attachment: { containerId: 'web1', netns: '/proc/6226/ns/net', ifname: 'eth0' },
      result: { ips: [{ address: '10.0.0.5/24' }] },
      runs: [
        { position: 0, ended: true, config: { type: 'azure-vnet', bridge: 'azure0' } },
        {
          position: 1,
          ended: true,
          config: {
            type: 'portmap',
            snat: true,
            name: 'azure',
            runtimeConfig: {
              portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
            },
          },
        },
      ],
    })
  }
  check()
  t.notOk(existsSync(old), 'the old folder is gone')
  t.strictSame(readdirSync(keep), [OLD_NAME])
  machine.bootId = 'boot-2'
  check()
  t.strictSame(said, [])
})

t.test('a damaged file of version 0.1.0 is told of once it was moved', async (t) => {
  const { keep, old, said, open } = rig(t)
  mkdirSync(old, { recursive: true })
  writeFileSync(join(old, OLD_NAME), OLD_FILE.slice(0, 200))
  const { records, damaged } = open().list()
  t.strictSame(records, [])
  t.match(damaged, [{ owner: { network: 'azure', containerId: 'web1' } }])
  t.match(said, [/keep\/attachments\/azure@web1@eth0\.json is damaged: it is not JSON/])
  t.strictSame(readdirSync(keep), [`${OLD_NAME}.bad`])
})

t.test('state and records in one folder', async (t) => {
  const { machine } = rig(t)
  const one = join(machine.folder, 'one')
  const env = { VNET_CNI_STATE_DIR: one, VNET_CNI_KEEP_DIR: one }
  const open = () => new Attachments(machine.call(env), (text) => t.fail(text))
  mkdirSync(join(one, 'attachments'), { recursive: true })
  writeFileSync(join(one, 'attachments', OLD_NAME), OLD_FILE)
  t.match(open().list().records, [{ bootId: '', pod: 'shop/web' }])
  open().save(record)
  t.equal(open().list().records.length, 2)
})

t.test('every kind of damage is named and kept aside', async (t) => {
  const text = JSON.stringify({ version: 2, ...record })
  const change = (path: string, value: unknown) => {
    const json = JSON.parse(text)
    const keys = path.split('.')
    const last = keys.pop() as string
    keys.reduce((at, key) => at[key], json)[last] = value
    return JSON.stringify(json)
  }
  const kinds: [string, string, RegExp][] = [
    ['empty', '', /it is empty/],
    ['blank', ' \n', /it is empty/],
    ['cut', text.slice(0, 150), /it is not JSON/],
    ['zeros', '\0'.repeat(100), /it is not JSON/],
    ['null', 'null', /it is not a JSON object/],
    ['a list', '[]', /it is not a JSON object/],
    ['a text', '"x"', /it is not a JSON object/],
    ['newer', change('version', 3), /version is 3, not 1 or 2/],
    ['version', change('version', '2'), /version is "2"/],
    ['no attachment', change('attachment', null), /attachment is null, not an object/],
    ['container', change('attachment.containerId', 7), /attachment\.containerId is 7/],
    ['ifname', change('attachment.ifname', null), /attachment\.ifname is null/],
    ['netns', change('attachment.netns', undefined), /attachment\.netns is missing/],
    ['args', change('attachment.args', {}), /attachment\.args is an object, not a text/],
    [
      'ports',
      change('attachment.capabilityArgs', []),
      /capabilityArgs is a list, not an object/,
    ],
    ['pod', change('pod', 1), /pod is 1, not a text/],
    ['netnsId', change('netnsId', 1), /netnsId is 1/],
    ['bootId', change('bootId', undefined), /bootId is missing/],
    ['no list', change('list', 'net'), /list is "net", not an object/],
    ['no plug-ins', change('list.plugins', []), /list: plugins: \[\]/],
    ['plug-ins', change('list.plugins', { type: 'a' }), /list: plugins: /],
    ['type', change('list.plugins.0.type', '/bin/sh'), /list: plugins\[0\]\.type/],
    ['no runs', change('runs', null), /runs is null, not a list/],
    ['run', change('runs.1', null), /runs\[1\] is null/],
    ['config', change('runs.0.config', 'x'), /runs\[0\]\.config is "x"/],
    ['of no list', change('runs.0.config.type', 'c'), /runs\[0\] is of no plug-in of/],
    ['position', change('runs.1.position', 0), /runs\[1\] is of no plug-in/],
    ['version of a run', change('runs.0.config.cniVersion', '9'), /runs\[0\] is of no/],
    ['prevResult', change('runs.1.config.prevResult', 1), /prevResult is 1/],
    ['result', change('result', []), /result is a list, not an object/],
    ['addresses', change('result', { ips: 'x' }), /result\.ips is "x", not a list/],
    ['address', change('result', { ips: [null] }), /result\.ips\[0\] is null/],
    ['another', change('attachment.containerId', 'd'), /it is of net@d@eth0, which its/],
    ['other network', change('list.name', 'x'), /runs\[0\] is of no plug-in of the list/],
  ]
  for (const [kind, content, why] of kinds) {
    const { keep, said, open } = rig(t)
    mkdirSync(keep, { recursive: true })
    const path = join(keep, 'net@c@eth0.json')
    writeFileSync(path, content)
    const { records, damaged } = open().list()
    t.strictSame(records, [], kind)
    t.match(
      damaged,
      [{ owner: { network: 'net', containerId: 'c', ifname: 'eth0' } }],
      kind,
    )
    t.equal(said.length, 1)
    t.match(said[0], why, kind)
    t.match(said[0], `${path} is damaged: `)
    t.equal(readFileSync(`${path}.bad`, 'utf8'), content, 'kept as it was')
    t.notOk(existsSync(path))
    t.strictSame(open().list().damaged, damaged, 'and again')
    t.equal(said.length, 1, 'told of once')
    open().forget({ network: 'net', containerId: 'c', ifname: 'eth0' })
    t.strictSame(readdirSync(keep), [], 'forgotten with its owner')
  }
})

t.test('what else lies in the folder', async (t) => {
  const { keep, said, open } = rig(t)
  open().save(record)
  mkdirSync(join(keep, 'net@folder@eth0.json'))
  writeFileSync(join(keep, 'net@c@eth0.json.bad'), 'of earlier')
  writeFileSync(join(keep, 'net@d@eth0.json.tmp'), 'of a crash')
  writeFileSync(join(keep, 'bad.json'), '{ "half')
  writeFileSync(join(keep, 'a@b@eth%d.json'), '{}')
  const { records, damaged } = open().list()
  t.strictSame(records, [record], 'a record hides the damaged one before it')
  t.match(damaged, [{ owner: { containerId: 'folder' } }])
  t.equal(said.length, 3)
  t.match(said.join(''), /bad\.json is damaged: it is not JSON/)
})

t.test('the pod of a damaged record, where it can be read', async (t) => {
  const { keep, open } = rig(t)
  mkdirSync(keep, { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(keep, name), text)
  write('net@c1@eth0.json', '{ "pod": "a/b" }')
  write('net@c2@eth0.json', '{ "pod": 5 }')
  write('net@c3@eth0.json', '{ "pod": "a/b"')
  const pods = open()
    .list()
    .damaged.map(({ pod }) => pod)
  t.strictSame(pods, ['a/b', undefined, undefined])
})

t.test('names of files', async (t) => {
  const owner = (network: string, containerId: string, ifname: string) => ({
    network,
    containerId,
    ifname,
  })
  t.strictSame(ownerOfFile('n@c@eth0.json'), owner('n', 'c', 'eth0'))
  t.strictSame(ownerOfFile('n.x@c-1@a@b.json'), owner('n.x', 'c-1', 'a@b'))
  for (const name of [
    'n@c.json',
    '@c@e.json',
    'n@@e.json',
    'n@c@.json',
    'n@c@e',
    '.n@c@e.json',
  ])
    t.equal(ownerOfFile(name), undefined, name)
})
