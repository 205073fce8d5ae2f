import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { installBundle } from '../helpers/bundle.js'
import { PAGE, WEB } from '../helpers/busybox-image.js'
import { Containerd, containerdProblem, IMAGE } from '../helpers/containerd.js'
import { Cri } from '../helpers/cri.js'
import { ADDRESS } from '../helpers/fabric.js'
import { assertPodsGone, assertReset } from '../helpers/left-over.js'
import { CONFLIST } from '../helpers/plugin-folder.js'
import { PrivateSpace } from '../helpers/private-space.js'
import { until } from '../helpers/process.js'
import type { Snapshot } from '../helpers/snapshot.js'

// In CI an absent containerd is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : containerdProblem()) ?? false

const PORT = `${ADDRESS.primary}:8080`

interface Rig {
  host: AzureHost
  containerd: Containerd
  cri: Cri
  cniPath: string
  cgroup: string
  before: Snapshot
}

async function makeRig(t: Test): Promise<Rig> {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const space = await PrivateSpace.create(host)
  await space.must('cp', [CONFLIST, '/etc/cni/net.d/10-azure.conflist'])
  const cniPath = await installBundle(join(host.folder, 'bin'))
  const containerd = await Containerd.create({ space, cniPath })
  await containerd.importImages('k8s.io')
  const cri = new Cri(containerd.socket)
  t.teardown(() => cri.close())
  const before = await host.snapshot()
  return { host, containerd, cri, cniPath, cgroup: space.cgroup, before }
}

const page = async ({ host }: Rig, where: string, target: string): Promise<string> => {
  const { stdout } = await host.execIn(where, 'curl', [
    '-s',
    '-m',
    '3',
    `http://${target}/`,
  ])
  return stdout.trim()
}

const served = (rig: Rig, where: string, target: string) =>
  until(`${where} → ${target}`, async () => (await page(rig, where, target)) === PAGE)

/** A pod with a web server on a host port, reached from the fabric. */
async function servingPod(rig: Rig, name: string) {
  const config = Cri.pod(name, rig.cgroup, [[8080, 80]])
  const pod = await rig.cri.runPod(config)
  const container = await rig.cri.runContainer(pod, config, IMAGE, WEB)
  await served(rig, 'fabric', PORT)
  return { config, pod, container }
}

async function remove({ cri }: Rig, pod: string): Promise<void> {
  await cri.stopPod(pod)
  await cri.removePod(pod)
}

tap.test('what a kubelet does, through containerd', { skip }, async (t) => {
  const rig = await makeRig(t)
  const { host, cri, containerd, before } = rig
  t.match(await cri.version(), /^containerd /)

  await t.test('a pod with a host port', async (st) => {
    const { pod, container } = await servingPod(rig, 'web')
    const { ip, state } = await cri.podStatus(pod)
    st.equal(state, 'SANDBOX_READY')
    st.ok(host.nic.secondaries.includes(ip), `${ip} is one of the VM's addresses`)
    for (const where of ['secondVm', 'vm']) st.ok(await served(rig, where, PORT), where)
    st.ok(await served(rig, 'peeredVm', `${ip}:80`), 'by its own address')
    const ping = ['ping', '-c', '1', '-W', '2', ADDRESS.gateway]
    st.equal((await cri.exec(container, ping)).code, 0, 'pod → gateway')
    const lo = await cri.exec(container, ['ip', 'addr', 'show', 'lo'])
    st.match(lo.stdout, /LOOPBACK,UP/, 'loopback is up')

    await cri.stopPod(pod)
    st.equal(await page(rig, 'fabric', PORT), '', 'the port is free')
    await cri.stopPod(pod)
    await cri.removePod(pod)
    await assertPodsGone(st, host, before)
  })

  await t.test('a port that is taken; the next sandbox of the same pod', async (st) => {
    const first = await servingPod(rig, 'web')
    const second = Cri.pod('other', rig.cgroup, [[8080, 80]])
    await st.rejects(cri.runPod(second), /host port tcp .*8080 is held by azure/)
    st.equal(await page(rig, 'fabric', PORT), PAGE, 'the first one still serves')
    await remove(rig, first.pod)
    const again = await servingPod(rig, 'web')
    await cri.removePod(again.pod)
    st.equal(await page(rig, 'fabric', PORT), '', 'removed without a stop before')
    await assertPodsGone(st, host, before)
  })

  await t.test('containerd killed between ADD and DEL', async (st) => {
    const { pod } = await servingPod(rig, 'web')
    await containerd.kill()
    st.equal(await page(rig, 'fabric', PORT), PAGE, 'the pod serves without the daemon')
    await containerd.start()
    await remove(rig, pod)
    await assertPodsGone(st, host, before)
  })

  await t.test('several pods at once', async (st) => {
    const configs = ['a', 'b', 'c'].map((name) => Cri.pod(name, rig.cgroup))
    const pods = await Promise.all(configs.map((config) => cri.runPod(config)))
    const states = await Promise.all(pods.map((pod) => cri.podStatus(pod)))
    st.equal(
      new Set(states.map(({ ip }) => ip)).size,
      3,
      'each has an address of its own',
    )
    await Promise.all(pods.map((pod) => remove(rig, pod)))
    await assertPodsGone(st, host, before)
  })

  await t.test('reset', (st) => assertReset(st, host, before, rig.cniPath))
})
