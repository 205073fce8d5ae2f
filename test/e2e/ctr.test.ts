import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { PAGE } from '../helpers/busybox-image.js'
import { Containerd, containerdProblem, IMAGE } from '../helpers/containerd.js'
import { BackgroundPing } from '../helpers/host-ping.js'
import { assertPodsGone } from '../helpers/left-over.js'
import { SCRIPTS } from '../helpers/plugin-folder.js'
import { PrivateSpace } from '../helpers/private-space.js'
import { until } from '../helpers/process.js'
import { copyRelease, otherProgram, VERSION } from '../helpers/release.js'

// In CI an absent containerd is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : containerdProblem()) ?? false

const BIN = '/opt/cni/bin'
const LISTS = '/etc/cni/net.d'
const SERVER = 'http://127.0.0.1:8000'

/** A VM with containerd, and a server on its loopback that has the release. */
async function makeRig(t: Test) {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const space = await PrivateSpace.create(host)
  const release = join(host.folder, 'release')
  await copyRelease(release)
  const serve = ['httpd', '-f', '-p', '127.0.0.1:8000', '-h', release]
  space.start('server', 'busybox', serve)
  const sums = ['-sf', '-m', '20', `${SERVER}/SHA256SUMS`]
  await until('the server', async () => (await space.run('curl', sums)).code === 0)
  const containerd = await Containerd.create({ space })
  await containerd.importImages('default')
  const script = join(SCRIPTS, 'install-cni-plugin.sh')
  return {
    host,
    space,
    release,
    containerd,
    before: await host.snapshot(),
    options: ['--cni', '--snapshotter', 'native', '--cgroup', `/${space.cgroup}/web`],
    installer: (...args: string[]) => space.run('sh', [script, ...args]),
  }
}
type Rig = Awaited<ReturnType<typeof makeRig>>

async function ctr({ containerd }: Rig, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await containerd.ctr(...args)
  if (code !== 0) throw new Error(`ctr ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function addressOf({ containerd }: Rig): Promise<string> {
  const exec = ['task', 'exec', '--exec-id', 'x', 'web']
  const show = ['ip', '-4', '-o', 'addr', 'show', 'eth0']
  const { stdout } = await containerd.ctr(...exec, ...show)
  return /inet ([\d.]+)/.exec(stdout)?.[1] ?? ''
}

async function page({ host }: Rig, target: string): Promise<string> {
  const args = ['-s', '-m', '20', `http://${target}/`]
  return (await host.execFabric('curl', args)).stdout.trim()
}

const served = (rig: Rig, target: string) =>
  until('the page', async () => (await page(rig, target)) === PAGE)

/** A newer version from the same server, while a container serves. */
async function upgradeUnder(t: Test, rig: Rig, address: string): Promise<void> {
  const { host } = rig
  await copyRelease(rig.release, { version: '99.0.0', change: otherProgram })
  const watch = new BackgroundPing(host.names.fabric, address, 10)
  host.onDestroy(() => watch.kill())
  await watch.started()
  const upgrade = await rig.installer('--base-url', SERVER, 'v99.0.0')
  t.equal(upgrade.code, 0, upgrade.stderr)
  const { sent, lost } = await watch.stop()
  t.ok(sent > 50, `${sent} pings were sent`)
  t.equal(lost, 0, 'all of them were answered')
  t.equal(await page(rig, address), PAGE, 'it serves')
}

tap.test('installed at its place, ctr run --cni', { skip }, async (t) => {
  const rig = await makeRig(t)
  const { host, space, containerd, options, installer } = rig

  await t.test('a read-only folder; then an installation', async (st) => {
    await space.must('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', BIN])
    const refused = await installer('--base-url', SERVER)
    st.equal(refused.code, 1)
    const told =
      /^install-cni-plugin\.sh: \/opt\/cni\/bin cannot be written: make it .*\n$/
    st.match(refused.stderr, told)
    await space.must('umount', [BIN])
    // As on a new machine.
    await space.must('rm', ['-r', '/opt/cni', '/etc/cni'])
    const first = await installer('--base-url', SERVER, `v${VERSION}`, 'v1.0.1')
    st.equal(first.code, 0, first.stderr)
  })

  await t.test('in the foreground ctr calls DEL at the end', async (st) => {
    const run = ['-a', containerd.socket, 'run', '--rm', ...options, IMAGE, 'web']
    space.start('ctr', 'ctr', run)
    const ip = await until('an address', () => addressOf(rig))
    st.ok(host.nic.secondaries.includes(ip), `${ip} is one of the VM's addresses`)
    st.ok(await served(rig, ip))
    await ctr(rig, 'task', 'kill', '-s', 'KILL', 'web')
    const gone = async () => !(await ctr(rig, 'container', 'ls')).includes('web')
    await until('the end', gone)
    await assertPodsGone(st, host, rig.before)
  })

  await t.test(
    'detached it never does: the operator has a command for that',
    async (st) => {
      await ctr(rig, 'run', '-d', ...options, IMAGE, 'web')
      const ip = await addressOf(rig)
      await containerd.kill()
      st.ok(await served(rig, ip), 'it lives on')
      await containerd.start()
      await upgradeUnder(st, rig, ip)
      const early = await installer('--uninstall')
      st.match(
        early.stderr,
        /nothing was removed: .*are attached: azure\/default-web\/eth0/,
      )
      await ctr(rig, 'task', 'rm', '-f', 'web')
      await ctr(rig, 'container', 'rm', 'web')
      await space.must(`${BIN}/vnet-cni`, ['detach', '--container', 'default-web'])
      await assertPodsGone(st, host, rig.before)
    },
  )

  await t.test('removed', async (st) => {
    const removed = await installer('--uninstall')
    st.equal(removed.code, 0, removed.stderr)
    const left = await space.must('find', [BIN, LISTS, '-mindepth', '1'])
    st.equal(left, '', 'neither programs nor a list are left')
    st.strictSame(await host.changesSince(rig.before), [], 'the VM is as it was')
  })
})
