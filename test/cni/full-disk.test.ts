/** The state folder is full: ADD says so and leaves nothing, DEL does what it can. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../helpers/process.js'
import { assertSame, makeHost, OUR_PLUGINS, seedList } from './support/setup.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

t.test('a full state folder', async (t) => {
  const host = await makeHost(t)
  const before = await host.snapshot({ state: false })
  for (const pod of ['a', 'b']) await host.addPodNetns(pod)
  const list = seedList({ portmap: false })
  const config = { ...list.plugins[0], name: list.name, cniVersion: list.cniVersion }
  const file = join(host.folder, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  const { vm } = host.names
  const call = (verb: string, pod: string) =>
    `CNI_COMMAND=${verb} CNI_CONTAINERID=${pod} CNI_IFNAME=eth0 CNI_PATH=${OUR_PLUGINS} ` +
    `CNI_NETNS=${host.pods.get(pod)} ip netns exec ${vm} ${OUR_PLUGINS}/azure-vnet <${file} ` +
    `| tr -d '\\n'; echo`
  const state = host.stateDir
  // The mount is for these programs alone.
  const script = [
    `mkdir -p ${state} && mount -t tmpfs -o size=64k none ${state}`,
    call('ADD', 'a'),
    `dd if=/dev/zero of=${state}/filler bs=4k count=64 2>/dev/null; true`,
    call('ADD', 'b'),
    call('DEL', 'a'),
    `ip -n ${vm} -br link | grep -c azv; true`,
    `rm ${state}/filler`,
    call('DEL', 'a'),
    call('ADD', 'b'),
    call('DEL', 'b'),
  ].join('\n')
  const env = { ...process.env, ...host.env, NODE_OPTIONS: '' }
  const { stdout, stderr } = await run('unshare', ['-m', 'sh', '-c', script], { env })
  const [first, second, third, links, fourth, fifth, sixth] = stdout.split('\n')
  t.match(first, /"ips":/, stderr)
  const refused = JSON.parse(second ?? '') as { code: number; msg: string }
  t.equal(refused.code, 107)
  t.match(
    refused.msg,
    /cannot write .*azure-vnet\.json: ENOSPC; free some space on .*state/,
  )
  t.match(JSON.parse(third ?? ''), { code: 107, msg: /ENOSPC/ }, 'DEL is to be repeated')
  t.equal(links, '0', 'but the pod is off the network')
  t.equal(fourth, '', 'which DEL did')
  t.match(fifth, /"ips":/)
  t.equal(sixth, '')
  await assertSame(t, host, before, { state: false }, 'the network is as before')
})
