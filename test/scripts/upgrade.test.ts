import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { CniRunner } from '../helpers/cni-runner.js'
import { BackgroundPing, BRIEF_MS } from '../helpers/host-ping.js'
import { CONFLIST, SCRIPTS } from '../helpers/plugin-folder.js'
import { must } from '../helpers/process.js'
import { copyRelease, currentRelease, otherProgram } from '../helpers/release.js'

const SCRIPT = join(SCRIPTS, 'install-cni-plugin.sh')
const skip = process.getuid?.() === 0 || process.env['CI'] ? false : 'it needs root'

const PORTS = [{ hostPort: 8080, containerPort: 80 }]

async function makeRig(t: Test) {
  const host = await AzureHost.create()
  t.teardown(() => host.destroy())
  const bin = join(host.folder, 'bin')
  const conf = join(host.folder, 'conf')
  const places = ['--bin-dir', bin, '--conf-dir', conf]
  mkdirSync(host.logDir, { recursive: true })
  // In the VM's namespace always: removal gives "the host" its network back.
  const install = (...args: string[]) =>
    host.exec('sh', [SCRIPT, ...places, ...args], { env: host.env })
  const runner = new CniRunner({ host, cniPath: bin, conflist: CONFLIST })
  return { host, bin, conf, install, runner }
}

tap.test('an upgrade under a running pod, and removal', { skip }, async (t) => {
  const { host, bin, conf, install, runner } = await makeRig(t)
  const before = await host.snapshot()
  const first = await currentRelease()
  const second = await copyRelease(host.folder, {
    version: '99.0.0',
    change: otherProgram,
  })
  t.equal((await install('--archive', first)).code, 0)
  const program = statSync(join(bin, 'vnet-cni')).ino

  const netns = await host.addPodNetns('a')
  const result = await runner.add('a', netns)
  const address = result.ips?.[0]?.address.split('/')[0] ?? ''
  const watch = new BackgroundPing(host.names.fabric, address, 10)
  host.onDestroy(() => watch.kill())
  await watch.started()
  const upgrade = await install('--archive', second)
  t.equal(upgrade.code, 0, upgrade.stderr)
  t.not(statSync(join(bin, 'vnet-cni')).ino, program, 'the program is another file')
  const other = await host.addPodNetns('b')
  await runner.add('b', other)
  t.ok(await host.ping('b', address), 'a pod of the new programs reaches the old one')
  const { sent, lost, longestGapMs } = await watch.stop()
  t.ok(sent > 50, `${sent} pings were sent`)
  t.equal(lost, 0, `all of them were answered; longest gap ${longestGapMs} ms`)

  const early = await install('--uninstall')
  t.not(early.code, 0)
  t.match(early.stderr, /nothing was removed: .*pods are attached: azure\/a\/eth0/)
  t.ok(existsSync(join(conf, '10-azure.conflist')), 'the list is where it was')
  const dry = await install('--uninstall', '--dry-run')
  t.match(dry.stderr, /pods are attached/)

  await runner.del('a', netns)
  await runner.del('b', other)
  const gone = await install('--uninstall')
  t.equal(gone.code, 0, gone.stderr)
  t.notOk(existsSync(join(bin, 'azure-vnet')))
  t.strictSame(await host.changesSince(before), [], 'the VM is as it was, state included')
})

tap.test('removal by force while pods are attached', { skip }, async (t) => {
  const { host, install, runner } = await makeRig(t)
  const before = await host.snapshot()
  const archive = await currentRelease()
  await install('--archive', archive)
  const netns = await host.addPodNetns('a')
  await runner.add('a', netns, 'eth0', { portMappings: PORTS })
  const watch = await host.hostPing()
  const gone = await install('--uninstall', '--force')
  t.equal(gone.code, 0, gone.stderr)
  t.match(gone.stdout, /removed endpoint azure\/a\/eth0/)
  t.match(gone.stdout, /removed bridge azure0/)
  t.strictSame(await host.changesSince(before), [], 'the VM is as it was, state included')
  const { lost, longestGapMs } = await watch.stop()
  t.ok(longestGapMs <= BRIEF_MS, `the VM kept its network: ${lost} lost`)
})

tap.test('reset when every state file is lost', { skip }, async (t) => {
  const { host, bin, install, runner } = await makeRig(t)
  const before = await host.snapshot()
  const archive = await currentRelease()
  await install('--archive', archive)
  await runner.add('a', await host.addPodNetns('a'), 'eth0', { portMappings: PORTS })
  await must('rm', ['-r', host.stateDir])
  const reset = (...args: string[]) =>
    host.exec(join(bin, 'vnet-cni'), ['reset', ...args], { env: host.env })

  const refused = await reset()
  t.equal(refused.code, 3, 'exit code of a refusal')
  t.match(refused.stderr, /pods are attached: azure\/a\/eth0: remove them first/)
  const forced = await reset('--force', '--json')
  t.equal(forced.code, 0, forced.stderr)
  // With records the port's table goes with its last mapping; here nobody knows of that.
  const removed = { bridges: ['azure0'], tables: ['ip azure_vnet_portmap'] }
  t.match(JSON.parse(forced.stdout), { removed })
  t.strictSame(await host.changesSince(before), [], 'the VM is as it was')
  const again = await reset()
  t.equal(again.code, 0)
  t.equal(again.stdout, 'nothing to remove\n')
})

tap.test('a removal that is interrupted shows the list again', { skip }, async (t) => {
  const { host, bin, conf, install } = await makeRig(t)
  for (const folder of [bin, conf]) mkdirSync(folder)
  const list = join(conf, '10-azure.conflist')
  const hidden = join(conf, '.10-azure.conflist.removing')
  copyFileSync(CONFLIST, list)
  writeFileSync(join(bin, '.vnet-cni.manifest'), '')
  // The program ends the script that runs it, as an operator's Ctrl-C may.
  const program = `#!/bin/sh
    [ -e '${hidden}' ] && [ ! -e '${list}' ] && echo hidden > '${host.folder}/seen'
    kill -TERM $PPID`
  writeFileSync(join(bin, 'vnet-cni'), program, { mode: 0o755 })
  const ended = await install('--uninstall')
  t.equal(ended.code, 143, 'exit code of SIGTERM')
  t.equal(readFileSync(join(host.folder, 'seen'), 'utf8'), 'hidden\n', 'it was hidden')
  t.strictSame(readdirSync(conf), ['10-azure.conflist'], 'it is where it was')
  t.ok(existsSync(join(bin, 'vnet-cni')), 'and so is the program')
})
