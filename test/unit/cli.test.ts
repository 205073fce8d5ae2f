import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parsePorts } from '../../dist/esm/cli/ports.js'
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
  st.strictSame(parsePorts('8080:80'), [tcp])
  st.strictSame(parsePorts('8080:80/UDP'), [{ ...tcp, protocol: 'udp' }])
  st.strictSame(parsePorts('127.0.0.1:8080:80/tcp'), [{ ...tcp, hostIP: '127.0.0.1' }])
  st.strictSame(parsePorts('[::1]:8080:80'), [{ ...tcp, hostIP: '::1' }])
  st.strictSame(
    parsePorts('8000-8002:80-82').map((one) => [one.hostPort, one.containerPort]),
    [
      [8000, 80],
      [8001, 81],
      [8002, 82],
    ],
  )
  for (const text of [
    '80',
    '0:80',
    '8080:65536',
    '8080:80/icmp',
    'a:b',
    '1:2:3:4',
    '',
    '80-82:80-81',
    '82-80:82-80',
    '80-:80-',
  ])
    st.throws(
      () => parsePorts(text),
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
    [['detach', '--pod', 'a'], /use NAMESPACE\/NAME/],
    [['detach', '--container', 'c', '--ifname', 'eth%d'], /use 1 to 15 bytes/],
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
