import { join } from 'node:path'
import tap from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { PAGE } from '../helpers/busybox-image.js'
import { Containerd, containerdProblem, IMAGE } from '../helpers/containerd.js'
import { SCRIPTS } from '../helpers/plugin-folder.js'
import { PrivateSpace } from '../helpers/private-space.js'
import { until } from '../helpers/process.js'
import { currentRelease } from '../helpers/release.js'

// In CI an absent containerd is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : containerdProblem()) ?? false

tap.test('ctr run --cni', { skip, timeout: 240_000 }, async (t) => {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const space = await PrivateSpace.create(host)
  // ctr knows the usual places only, which is where the installer puts things.
  const archive = await currentRelease()
  const install = [join(SCRIPTS, 'install-cni-plugin.sh'), '--archive', archive]
  await space.must('sh', install)
  const containerd = await Containerd.create({ space })
  await containerd.importImages('default')
  const before = await host.snapshot({ state: false })
  const ctr = async (...args: string[]) => {
    const { code, stdout, stderr } = await containerd.ctr(...args)
    t.equal(code, 0, `ctr ${args[0]} ${args[1]}: ${stderr}`)
    return stdout
  }
  const options = ['--cni', '--snapshotter', 'native', '--cgroup', `/${space.cgroup}/web`]
  const address = async () => {
    const exec = ['task', 'exec', '--exec-id', 'x', 'web']
    const show = ['ip', '-4', '-o', 'addr', 'show', 'eth0']
    const { stdout } = await containerd.ctr(...exec, ...show)
    return /inet ([\d.]+)/.exec(stdout)?.[1] ?? ''
  }
  const page = async (target: string): Promise<string> => {
    const args = ['-s', '-m', '3', `http://${target}/`]
    return (await host.execFabric('curl', args)).stdout.trim()
  }
  const nothingLeft = async () =>
    t.strictSame(await host.changesSince(before, { state: false }), [], 'nothing is left')

  // In the foreground ctr calls DEL when the container has ended.
  space.start('ctr', 'ctr', [
    '-a',
    containerd.socket,
    'run',
    '--rm',
    ...options,
    IMAGE,
    'web',
  ])
  const ip = await until('an address', address, 10_000, 200)
  t.ok(host.nic.secondaries.includes(ip), `${ip} is one of the VM's addresses`)
  t.ok(await until('the page', async () => (await page(ip)) === PAGE))
  await ctr('task', 'kill', '-s', 'KILL', 'web')
  await until(
    'the end',
    async () => !(await ctr('container', 'ls')).includes('web'),
    10_000,
  )
  await nothingLeft()

  // Detached it never does: the operator has our command for that.
  await ctr('run', '-d', ...options, IMAGE, 'web')
  const next = await address()
  await containerd.kill()
  t.ok(await until('the page', async () => (await page(next)) === PAGE), 'it lives on')
  await containerd.start()
  await ctr('task', 'rm', '-f', 'web')
  await ctr('container', 'rm', 'web')
  const detach = ['detach', '--container', 'default-web']
  await space.must('/opt/cni/bin/vnet-cni', detach)
  await nothingLeft()
})
