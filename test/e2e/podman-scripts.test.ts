import { join } from 'node:path'
import tap from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { busyboxArchive, PAGE, WEB } from '../helpers/busybox-image.js'
import { ADDRESS } from '../helpers/fabric.js'
import { CONFLIST, pluginFolder, SCRIPTS } from '../helpers/plugin-folder.js'
import { podmanProblem } from '../helpers/podman.js'
import { PrivateSpace } from '../helpers/private-space.js'
import { until } from '../helpers/process.js'

// In CI an absent podman is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : podmanProblem()) ?? false

const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[network]
network_backend = "cni"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
`
const STORAGE_CONF = `[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`

tap.test('docker-run.sh with podman', { skip, timeout: 240_000 }, async (t) => {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const space = await PrivateSpace.create(host)
  // podman has no setting for the parent cgroup: a program of its name before it has.
  const wrapper = `#!/bin/sh
    [ "$1" != create ] || { shift; set -- create --cgroup-parent /${space.cgroup} "$@"; }
    exec /usr/bin/podman "$@"`
  const setUp = `
    cp "$CONFLIST" /etc/cni/net.d/10-azure.conflist
    mkdir -p /etc/containers /opt/wrap
    echo "$CONTAINERS" > /etc/containers/containers.conf
    echo "$STORAGE" > /etc/containers/storage.conf
    echo "$WRAPPER" > /opt/wrap/podman; chmod +x /opt/wrap/podman
    podman import --quiet -c 'CMD ${JSON.stringify(WEB)}' "$ARCHIVE" busybox`
  await space.must('sh', ['-ec', setUp], {
    env: {
      CONFLIST,
      CONTAINERS: CONTAINERS_CONF,
      STORAGE: STORAGE_CONF,
      WRAPPER: wrapper,
      ARCHIVE: await busyboxArchive(space),
    },
  })
  const before = await host.snapshot({ state: false })
  const env = {
    CNI_PATH: pluginFolder(),
    PATH: '/opt/wrap:/usr/sbin:/usr/bin:/sbin:/bin',
  }
  const script = (name: string, ...args: string[]) =>
    space.run('sh', [join(SCRIPTS, name), '--engine', 'podman', ...args], { env })
  const served = () =>
    until('the page', async () => {
      const args = ['-s', '-m', '3', `http://${ADDRESS.primary}:8080/`]
      return (await host.execFabric('curl', args)).stdout.trim() === PAGE
    })
  const nothingLeft = async () =>
    t.strictSame(await host.changesSince(before, { state: false }), [], 'nothing is left')

  const run = await script('docker-run.sh', '-p', '8080:80', 'web', 'shop', 'busybox')
  t.equal(run.code, 0, run.stderr)
  t.ok(await served(), 'by the host port')
  const taken = await script('docker-run.sh', '-p', '8080:80', 'two', 'shop', 'busybox')
  t.match(taken.stderr, /two got no network: .*8080 is held by azure/)
  t.notMatch((await space.run('podman', ['ps', '-a'])).stdout, /two/, 'undone')
  await space.must('podman', ['kill', 'web'])
  const again = await script('docker-run.sh', '--restart', 'web', 'shop')
  t.equal(again.code, 0, again.stderr)
  t.ok(await served(), 'after a restart')
  const del = await script('docker-del.sh', 'web', 'shop')
  t.equal(del.code, 0, del.stderr)
  t.equal((await space.must('podman', ['ps', '-aq'])).trim(), '')
  await nothingLeft()

  await script('docker-run.sh', '-p', '8080:80', 'web', 'shop', 'busybox')
  await space.must('podman', ['rm', '-f', '-t', '0', 'web'])
  t.equal((await script('docker-del.sh', 'web', 'shop')).code, 0, 'removed by hand')
  await nothingLeft()
})
