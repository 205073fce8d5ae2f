import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { installBundle } from '../helpers/bundle.js'
import { PAGE } from '../helpers/busybox-image.js'
import { Docker, dockerProblem } from '../helpers/docker.js'
import { ADDRESS } from '../helpers/fabric.js'
import { assertPodsGone, assertReset } from '../helpers/left-over.js'
import { CONFLIST, SCRIPTS } from '../helpers/plugin-folder.js'
import { PrivateSpace } from '../helpers/private-space.js'
import { until, type Outcome } from '../helpers/process.js'
import type { Snapshot } from '../helpers/snapshot.js'

// In CI an absent dockerd is a broken job, not a reason to pass.
const skip = (process.env['CI'] ? undefined : dockerProblem()) ?? false

const PORT = `${ADDRESS.primary}:8080`

interface Rig {
  host: AzureHost
  space: PrivateSpace
  docker: Docker
  cniPath: string
  before: Snapshot
}

async function makeRig(t: Test): Promise<Rig> {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const space = await PrivateSpace.create(host)
  const docker = await Docker.create(space)
  await space.must('cp', [CONFLIST, '/etc/cni/net.d/10-azure.conflist'])
  const cniPath = await installBundle(join(host.folder, 'bin'))
  return { host, space, docker, cniPath, before: await host.snapshot() }
}

/** Runs one of the scripts inside the VM. */
function script({ space, docker, cniPath }: Rig, name: string, ...args: string[]) {
  const env = { ...docker.env, CNI_PATH: cniPath }
  return space.run('sh', [join(SCRIPTS, name), ...args], { env })
}

async function page({ host }: Rig, where: string, target: string): Promise<string> {
  const args = ['-s', '-S', '-m', '20', `http://${target}/`]
  const { stdout, stderr } = await host.execIn(where, 'curl', args)
  return (stdout || stderr).trim()
}

/** The command begins before the network is there, and a server may need a moment. */
const served = (rig: Rig, where: string, target: string) =>
  until(`${where} → ${target}`, async () => (await page(rig, where, target)) === PAGE)

async function nothingLeft(t: Test, { host, before, docker }: Rig): Promise<void> {
  await assertPodsGone(t, host, before)
  t.equal((await docker.must('ps', '-aq')).trim(), '', 'no container is left')
}

/**
 * What a reboot does, as far as one can be played: processes, links, tables and state end, and what
 * is kept on disk stays.
 */
async function reboot({ host, docker, cniPath }: Rig): Promise<void> {
  await docker.must('stop', '-t', '0', 'web')
  // All but the records, which it is to take for those of another host.
  const env = { ...host.env, VNET_CNI_KEEP_DIR: join(host.folder, 'nothing-kept') }
  const reset = await host.exec(join(cniPath, 'vnet-cni'), ['reset', '--force'], { env })
  if (reset.code !== 0) throw new Error(`reset: ${reset.stderr}`)
  rmSync(host.stateDir, { recursive: true, force: true })
}

function failed(t: Test, outcome: Outcome, pattern: RegExp): void {
  t.not(outcome.code, 0, 'exit code')
  t.match(outcome.stderr, pattern)
  t.equal(outcome.stderr.trim().split('\n').length, 1, 'one line')
}

tap.test('docker-run.sh and docker-del.sh', { skip }, async (t) => {
  const rig = await makeRig(t)
  const { host, docker } = rig

  await t.test('the image’s own command, a port, every way to it', async (st) => {
    const run = await script(
      rig,
      'docker-run.sh',
      '-p',
      '8080:80',
      'web',
      'shop',
      'busybox',
    )
    st.equal(run.code, 0, run.stderr)
    const address = run.stdout.trim().split('/')[0] ?? ''
    st.ok(
      host.nic.secondaries.includes(address),
      `${address} is one of the VM's addresses`,
    )
    const ways = [
      ['fabric', PORT],
      ['secondVm', PORT],
      ['vm', PORT],
      ['vm', '127.0.0.1:8080'],
      ['fabric', `${address}:80`],
    ] as const
    for (const [where, target] of ways) st.ok(await served(rig, where, target), target)
    const ping = ['exec', 'web', 'ping', '-c', '1', '-W', '2', ADDRESS.gateway]
    st.equal((await docker.command(ping)).code, 0, 'container → gateway')
  })

  await t.test('a name that is taken', async (st) => {
    const again = await script(rig, 'docker-run.sh', 'web', 'shop', 'busybox')
    failed(st, again, /a container web exists: run docker-del\.sh web shop/)
    st.equal(await page(rig, 'fabric', PORT), PAGE, 'the first one still serves')
  })

  await t.test('a port that is taken undoes the whole', async (st) => {
    const other = ['-p', '8080:80', 'other', 'shop', 'busybox']
    failed(
      st,
      await script(rig, 'docker-run.sh', ...other),
      /host port tcp .*8080 is held/,
    )
    st.notMatch(await docker.must('ps', '-a'), /other/, 'the container is gone')
    st.equal(await page(rig, 'fabric', PORT), PAGE, 'the first one still serves')
  })

  await t.test('a container of another namespace, and one of nobody', async (st) => {
    const id = (await docker.must('inspect', '-f', '{{.Id}}', 'web')).trim()
    const run = await script(rig, 'docker-run.sh', 'web', 'other', 'busybox')
    failed(st, run, /container web belongs to namespace shop, not other: choose another/)
    st.notMatch(run.stderr, /docker-del/, 'it advises nobody to remove it')
    const again = await script(rig, 'docker-run.sh', '--restart', 'web', 'other')
    failed(st, again, /web belongs to namespace shop, not other: it was left alone/)
    const del = await script(rig, 'docker-del.sh', 'web', 'other')
    failed(st, del, /web belongs to namespace shop, not other: it was left alone/)
    const short = await script(rig, 'docker-del.sh', id.slice(0, 12), 'shop')
    st.equal(short.code, 0, 'the beginning of an id is no name')
    await docker.must('run', '-d', '--net=none', '--name', 'plain', 'busybox')
    failed(
      st,
      await script(rig, 'docker-run.sh', 'plain', 'shop', 'busybox'),
      /docker-run\.sh did not make container plain: choose another name/,
    )
    for (const call of [['docker-run.sh', '--restart'], ['docker-del.sh']] as const) {
      const [name, ...options] = call
      const left = await script(rig, name, ...options, 'plain', 'shop')
      failed(st, left, /docker-run\.sh did not make container plain: it was left alone/)
    }
    await docker.must('rm', '-f', 'plain')
    st.equal((await docker.must('inspect', '-f', '{{.Id}}', 'web')).trim(), id)
    st.equal(await page(rig, 'fabric', PORT), PAGE, 'the first one still serves')
  })

  await t.test('one that lives and was attached under the same pod name', async (st) => {
    await docker.must('run', '-d', '--net=none', '--name', 'elsewhere', 'busybox')
    const format = '{{.Id}} {{.State.Pid}}'
    const told = await docker.must('inspect', '-f', format, 'elsewhere')
    const [id = '', pid = ''] = told.trim().split(' ')
    const vnet = join(rig.cniPath, 'vnet-cni')
    const call = ['--container', id, '--cni-path', rig.cniPath]
    const netns = ['--netns', `/proc/${pid}/ns/net`, '--pod', 'shop/gone']
    await rig.space.must(vnet, ['attach', ...call, ...netns])
    const del = await script(rig, 'docker-del.sh', 'gone', 'shop')
    st.equal(del.code, 0, del.stderr)
    const ping = ['exec', 'elsewhere', 'ping', '-c', '1', '-W', '2', ADDRESS.gateway]
    st.equal((await docker.command(ping)).code, 0, 'it has its network still')
    await rig.space.must(vnet, ['detach', ...call])
    await docker.must('rm', '-f', 'elsewhere')
  })

  await t.test('stopped and started again, after a reboot too', async (st) => {
    await docker.must('stop', '-t', '0', 'web')
    const run = await script(rig, 'docker-run.sh', '--restart', 'web', 'shop')
    st.equal(run.code, 0, run.stderr)
    st.ok(await served(rig, 'fabric', PORT), 'the port leads to it again')
    // What is recorded of attachments is gone, as after a reboot: the ports are known all the same.
    await docker.must('stop', '-t', '0', 'web')
    const ids = ['detach', '--pod', 'shop/web', '--cni-path', rig.cniPath]
    await rig.space.must(join(rig.cniPath, 'vnet-cni'), ids)
    const rebooted = await script(rig, 'docker-run.sh', '--restart', 'web', 'shop')
    st.equal(rebooted.code, 0, rebooted.stderr)
    st.ok(await served(rig, 'fabric', PORT), 'the port leads to it again')
    await reboot(rig)
    const records = readdirSync(join(host.keepDir, 'attachments'))
    st.equal(records.length, 1, 'what attach was asked for outlives it')
    const kept = await script(rig, 'docker-run.sh', '--restart', 'web', 'shop')
    st.equal(kept.code, 0, kept.stderr)
    const address = kept.stdout.trim().split('/')[0] ?? ''
    st.ok(host.nic.secondaries.includes(address), `${address} is one of the VM's`)
    st.ok(await served(rig, 'fabric', PORT), 'the port leads to it after a reboot')
    st.ok(await served(rig, 'fabric', `${address}:80`), 'and so does its address')
    const ports = ['--restart', '-p', '8081:80', 'web', 'shop']
    const both = await script(rig, 'docker-run.sh', ...ports)
    failed(st, both, /-p and --restart exclude each other/)
  })

  await t.test('removed', async (st) => {
    const del = await script(rig, 'docker-del.sh', 'web', 'shop')
    st.equal(del.code, 0, del.stderr)
    await nothingLeft(st, rig)
    const twice = await script(rig, 'docker-del.sh', 'web', 'shop')
    st.equal(twice.code, 0, 'a second time is fine')
  })

  await t.test('a container that died, and one that was removed by hand', async (st) => {
    for (const end of [
      ['kill', 'dead'],
      ['rm', '-f', 'dead'],
    ]) {
      const args = ['-p', '127.0.0.1:8081:80/tcp', 'dead', 'shop', 'busybox']
      const run = await script(rig, 'docker-run.sh', ...args)
      st.equal(run.code, 0, run.stderr)
      st.ok(await served(rig, 'vm', '127.0.0.1:8081'))
      await docker.must(...end)
      const del = await script(rig, 'docker-del.sh', 'dead', 'shop')
      st.equal(del.code, 0, del.stderr)
      await nothingLeft(st, rig)
    }
  })

  await t.test('a command of one’s own; one that ends at once', async (st) => {
    const own = ['sleepy', 'shop', 'busybox', 'sh', '-c', 'echo "two words"; sleep 99']
    const run = await script(rig, 'docker-run.sh', ...own)
    st.equal(run.code, 0, run.stderr)
    st.equal(await docker.must('logs', 'sleepy'), 'two words\n')
    // Without a record, the container's own note says that it has no ports.
    const forget = ['detach', '--pod', 'shop/sleepy', '--cni-path', rig.cniPath]
    await rig.space.must(join(rig.cniPath, 'vnet-cni'), forget)
    const again = await script(rig, 'docker-run.sh', '--restart', 'sleepy', 'shop')
    st.equal(again.code, 0, again.stderr)
    st.equal((await script(rig, 'docker-del.sh', 'sleepy', 'shop')).code, 0)
    const ends = await script(rig, 'docker-run.sh', 'short', 'shop', 'busybox', 'false')
    failed(st, ends, /short ended at once with exit code 1/)
    await nothingLeft(st, rig)
  })

  await t.test('dockerd and containerd killed between ADD and DEL', async (st) => {
    const run = await script(
      rig,
      'docker-run.sh',
      '-p',
      '8080:80',
      'web',
      'shop',
      'busybox',
    )
    st.equal(run.code, 0, run.stderr)
    await rig.space.signal('dockerd', 'KILL')
    await docker.containerd.kill()
    const dead = await script(rig, 'docker-del.sh', 'web', 'shop')
    failed(st, dead, /docker does not answer: start its service/)
    await docker.containerd.start()
    await docker.start()
    const del = await script(rig, 'docker-del.sh', 'web', 'shop')
    st.equal(del.code, 0, del.stderr)
    await nothingLeft(st, rig)
  })

  await t.test('wrong calls', async (st) => {
    failed(
      st,
      await script(rig, 'docker-run.sh', 'web', 'shop'),
      /expected CONTAINER-NAME/,
    )
    failed(st, await script(rig, 'docker-run.sh', 'a b', 'shop', 'x'), /holds more than/)
    failed(st, await script(rig, 'docker-run.sh', '--frob', 'x'), /unknown option --frob/)
    const image = await script(rig, 'docker-run.sh', 'web', 'shop', '10.0.0.1:1/nothing')
    failed(st, image, /no image 10\.0\.0\.1:1\/nothing, and it cannot be pulled/)
    const port = await script(rig, 'docker-run.sh', '-p', '80', 'web', 'shop', 'busybox')
    failed(st, port, /-p 80 is not valid/)
    const list = ['--conflist', '/nothing', 'web', 'shop', 'busybox']
    failed(st, await script(rig, 'docker-run.sh', ...list), /\/nothing is missing/)
    const bin = ['--cni-bin', '/nowhere', 'web', 'shop', 'busybox']
    failed(
      st,
      await script(rig, 'docker-run.sh', ...bin),
      /no vnet-cni in \/nowhere: run/,
    )
    await nothingLeft(st, rig)
  })

  await t.test('reset', (st) => assertReset(st, host, rig.before, rig.cniPath))
})
