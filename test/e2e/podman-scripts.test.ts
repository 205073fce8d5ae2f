import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { installBundle } from '../helpers/bundle.js'
import { PAGE } from '../helpers/busybox-image.js'
import { ADDRESS } from '../helpers/fabric.js'
import { assertPodsGone, assertReset } from '../helpers/left-over.js'
import { CONFLIST, SCRIPTS } from '../helpers/plugin-folder.js'
import { Podman, podmanProblem } from '../helpers/podman.js'
import { until } from '../helpers/process.js'

// In CI an absent podman is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : podmanProblem()) ?? false

tap.test('docker-run.sh with podman', { skip }, async (t) => {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const cniPath = await installBundle(join(host.folder, 'bin'))
  const networks = { '10-azure.conflist': readFileSync(CONFLIST, 'utf8') }
  const podman = await Podman.create({ host, cniPath, networks })
  const { space } = podman
  const before = await host.snapshot()
  const env = { ...podman.env, CNI_PATH: cniPath }
  const script = (name: string, ...args: string[]) =>
    space.run('sh', [join(SCRIPTS, name), '--engine', 'podman', ...args], { env })
  const served = () =>
    until('the page', async () => {
      const args = ['-s', '-m', '20', `http://${ADDRESS.primary}:8080/`]
      return (await host.execFabric('curl', args)).stdout.trim() === PAGE
    })

  const run = await script('docker-run.sh', '-p', '8080:80', 'web', 'shop', 'busybox')
  t.equal(run.code, 0, run.stderr)
  t.ok(await served(), 'by the host port')
  const taken = await script('docker-run.sh', '-p', '8080:80', 'two', 'shop', 'busybox')
  t.match(taken.stderr, /two got no network: .*8080 is held by azure/)
  t.notMatch(await podman.must('ps', '-a'), /two/, 'undone')
  const foreign = await script('docker-run.sh', 'web', 'other', 'busybox')
  t.match(foreign.stderr, /web belongs to namespace shop, not other: choose another name/)
  const left = await script('docker-del.sh', 'web', 'other')
  t.equal(left.code, 1)
  t.match(left.stderr, /web belongs to namespace shop, not other: it was left alone/)
  t.ok(await served(), 'it serves still')
  await podman.must('kill', 'web')
  const forget = ['detach', '--pod', 'shop/web', '--cni-path', cniPath]
  await space.must(join(cniPath, 'vnet-cni'), forget)
  const again = await script('docker-run.sh', '--restart', 'web', 'shop')
  t.equal(again.code, 0, again.stderr)
  t.ok(await served(), 'after a restart without a record')
  const del = await script('docker-del.sh', 'web', 'shop')
  t.equal(del.code, 0, del.stderr)
  t.equal((await podman.must('ps', '-aq')).trim(), '')
  await assertPodsGone(t, host, before)

  await script('docker-run.sh', '-p', '8080:80', 'web', 'shop', 'busybox')
  await podman.must('rm', '-f', '-t', '0', 'web')
  t.equal((await script('docker-del.sh', 'web', 'shop')).code, 0, 'removed by hand')
  await assertPodsGone(t, host, before)
  await assertReset(t, host, before, cniPath)
})
