import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  Attachments,
  netnsId,
  type AttachmentRecord,
} from '../../dist/esm/cni/runtime/attachments.js'
import { parsePort } from '../../dist/esm/cli/ports.js'
import { parseMappings } from '../../dist/esm/portmap/mapping.js'
import { run } from '../helpers/process.js'

const PROGRAM = fileURLToPath(new URL('../../dist/cni/vnet-cni', import.meta.url))
const CONFLIST = fileURLToPath(new URL('../../conf/10-azure.conflist', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'vnet-cli-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const vnet = (...args: string[]) =>
  run(PROGRAM, args, {
    env: {
      VNET_CNI_STATE_DIR: join(folder, 'state'),
      VNET_CNI_KEEP_DIR: join(folder, 'keep'),
    },
  })

t.test('ports as people write them', async (st) => {
  const tcp = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }
  st.strictSame(parsePort('8080:80'), tcp)
  st.strictSame(parsePort('8080:80/UDP'), { ...tcp, protocol: 'udp' })
  st.strictSame(parsePort('127.0.0.1:8080:80/tcp'), { ...tcp, hostIP: '127.0.0.1' })
  st.strictSame(parsePort('[::1]:8080:80'), { ...tcp, hostIP: '::1' })
  for (const text of ['80', '0:80', '8080:65536', '8080:80/icmp', 'a:b', '1:2:3:4', ''])
    st.throws(
      () => parsePort(text),
      { name: 'UsageError', message: /is not valid/ },
      text,
    )
})

t.test('mappings whose keys are in the case of Go', async (st) => {
  const raw = [{ HostPort: 80, ContainerPort: 81, Protocol: 'tcp', HostIP: '' }]
  st.match(parseMappings(raw), [{ hostPort: 80, containerPort: 81, protocol: 'tcp' }])
  const both = [{ HostPort: 1, hostPort: 2, containerPort: 3 }]
  st.match(parseMappings(both), [{ hostPort: 2 }], 'its own case goes first')
})

t.test('records of attachments', async (st) => {
  const records = new Attachments(join(folder, 'records'))
  st.strictSame(records.list(), [], 'none without a folder')
  const record: AttachmentRecord = {
    list: { cniVersion: '0.3.1', name: 'net', plugins: [{ type: 'a' }] },
    attachment: {
      containerId: 'c',
      netns: '',
      ifname: 'eth0',
      args: '',
      capabilityArgs: {},
    },
    pod: 'ns/name',
    netnsId: '',
  }
  records.save(record)
  records.save({ ...record, result: { dns: {} } })
  writeFileSync(join(folder, 'records', 'bad.json'), '{ "half')
  st.strictSame(records.list(), [{ ...record, result: { dns: {} } }])
  records.forget(record)
  records.forget(record)
  st.strictSame(readdirSync(join(folder, 'records')), ['bad.json'])
})

t.test('help, version, and what is wrong with a call', async (st) => {
  st.match((await vnet('--version')).stdout, /^vnet-cni \d/)
  st.match((await vnet('--help')).stdout, /attach +give a container its network/)
  st.equal((await vnet()).code, 2)
  for (const name of ['attach', 'detach', 'reset', 'validate'])
    st.match((await vnet(name, '--help')).stdout, new RegExp(`usage: vnet-cni ${name} `))
  const calls: [string[], RegExp][] = [
    [['frob'], /no command "frob": use one of attach, detach/],
    [['attach', '--frob'], /Unknown option '--frob': see vnet-cni attach --help/],
    [['attach', '--container', 'c'], /--netns is missing/],
    [
      ['attach', '--container', 'c', '--netns', '/x', '--pod', 'a'],
      /use NAMESPACE\/NAME/,
    ],
    [['detach'], /give --container ID or --pod NS\/NAME/],
    [['validate'], /expected FILE/],
  ]
  for (const [args, pattern] of calls) {
    const { code, stderr } = await vnet(...args)
    st.equal(code, 2, args.join(' '))
    st.match(stderr, pattern)
    st.equal(stderr.trim().split('\n').length, 1, 'one line')
  }
})

t.test('a port for a list without portmap', async (st) => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'plain.conflist')
  writeFileSync(file, '{ "name": "a", "plugins": [{ "type": "bridge" }] }')
  const place = ['--container', 'c', '--netns', '/x', '--conflist', file]
  const { code, stderr } = await vnet('attach', ...place, '-p', '80:80')
  st.equal(code, 2)
  st.match(stderr, /no plug-in of the list has the capability portMappings/)
})

t.test('validate', async (st) => {
  const good = await vnet('validate', CONFLIST, '--json')
  st.match(JSON.parse(good.stdout), { name: 'azure', plugins: ['azure-vnet', 'portmap'] })
  const file = join(folder, 'wrong.conflist')
  const plugin =
    '{ "type": "azure-vnet", "mode": "l2", "ipam": { "type": "azure-vnet-ipam" } }'
  writeFileSync(file, `{ "cniVersion": "0.3.1", "name": "a", "plugins": [${plugin}] }`)
  const bad = await vnet('validate', file, '--json')
  st.equal(bad.code, 1)
  st.match(bad.stderr, /mode: "l2" is not valid: use one of "bridge"/)
  st.match(JSON.parse(bad.stdout), { error: { code: 7 } })
})

t.test('detach of what is not there', async (st) => {
  const done = await vnet('detach', '--pod', 'a/b', '--json')
  st.equal(done.code, 0)
  st.strictSame(JSON.parse(done.stdout), { detached: [] })
})

t.test('detach takes whom it is told to, whole owners and none else', async (st) => {
  const state = join(folder, 'owners')
  const bin = join(folder, 'bin')
  const called = join(folder, 'called')
  mkdirSync(bin, { recursive: true })
  const plugin = `#!/bin/sh\necho "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS" >>${called}\n`
  writeFileSync(join(bin, 'noop'), plugin, { mode: 0o755 })
  const list = { cniVersion: '0.3.1', name: 'net', plugins: [{ type: 'noop' }] }
  const conflist = join(folder, 'noop.conflist')
  writeFileSync(conflist, JSON.stringify(list))
  const alive = join(folder, 'netns')
  writeFileSync(alive, '')
  const records = new Attachments(join(state, 'attachments'))
  const save = (containerId: string, pod: string, isAlive: boolean) =>
    records.save({
      ...{ list, pod, netnsId: isAlive ? netnsId(alive) : '1:1' },
      attachment: {
        ...{ containerId, netns: alive, ifname: 'eth0', args: '' },
        capabilityArgs: {},
      },
    })
  save('lives', 'shop/web', true)
  save('dead', 'shop/web', false)
  save('foreign', 'other/web', true)
  /** The ids that were detached, and the calls of the plug-in. */
  const detach = async (...args: string[]) => {
    writeFileSync(called, '')
    const all = ['detach', '--conflist', conflist, '--cni-path', bin, '--json', ...args]
    const { code, stdout } = await run(PROGRAM, all, {
      env: { VNET_CNI_STATE_DIR: state },
    })
    st.equal(code, 0)
    const { detached } = JSON.parse(stdout) as { detached: { containerId: string }[] }
    const calls = readFileSync(called, 'utf8').trim().split('\n').filter(Boolean)
    return { ids: detached.map(({ containerId }) => containerId), calls }
  }
  const nobody = { ids: [], calls: [] }
  st.same(await detach('--container', 'lives', '--pod', 'other/web'), nobody)
  st.same(await detach('--container', 'lives', '--gone'), nobody, 'it is not gone')
  st.same(await detach('--container', 'unknown', '--gone'), nobody)
  const gone = { ids: ['dead'], calls: ['DEL dead'] }
  st.same(await detach('--pod', 'shop/web', '--gone'), gone, 'the one that is gone')
  st.same(await detach('--pod', 'shop/web', '--gone'), nobody, 'a second time')
  const unknown = await detach('--container', 'unknown', '--pod', 'shop/web')
  st.same(unknown, { ids: [], calls: ['DEL unknown'] }, 'the plug-ins may know it')
  const one = await detach('--container', 'lives', '--pod', 'shop/web')
  st.same(one, { ids: ['lives'], calls: [`DEL lives ${alive}`] })
  const last = await detach('--pod', 'other/web')
  st.same(last, { ids: ['foreign'], calls: [`DEL foreign ${alive}`] })
})
