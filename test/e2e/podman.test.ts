import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { installBundle } from '../helpers/bundle.js'
import { PAGE } from '../helpers/busybox-image.js'
import { ADDRESS } from '../helpers/fabric.js'
import { BRIEF_MS } from '../helpers/host-ping.js'
import { assertPodsGone, assertReset } from '../helpers/left-over.js'
import { CONFLIST } from '../helpers/plugin-folder.js'
import { Podman, podmanProblem } from '../helpers/podman.js'
import { until } from '../helpers/process.js'

const GO_PLUGINS = '/usr/lib/cni'

// In CI an absent podman is a broken job, not a reason to pass.
const problem = process.env['CI'] ? undefined : podmanProblem()
const skip = problem ?? false

/** An ordinary bridge with addresses of its own: what a VM without a VNet plug-in has. */
const GO_CONFLIST = {
  cniVersion: '0.4.0',
  name: 'plain',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: '10.88.0.0/24' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true }, snat: true },
  ],
}

async function curl(host: AzureHost, where: string, address: string): Promise<string> {
  const args = ['-s', '-S', '-m', '20', `http://${address}/`]
  const { stdout, stderr } = await host.execIn(where, 'curl', args)
  return (stdout || stderr).trim()
}

async function addressOf(podman: Podman, container: string): Promise<string> {
  const show = ['-4', '-o', 'addr', 'show', 'eth0']
  const { stdout, stderr } = await podman.exec(container, 'ip', show)
  return /inet ([\d.]+)/.exec(stdout)?.[1] ?? `no address: ${stdout}${stderr}`
}

/** Starts a web server with a published port and tries every way to it. */
async function publishAndTry(t: Test, host: AzureHost, podman: Podman, network: string) {
  await podman.run({ name: 'web', network, ports: ['8080:80'] })
  const address = await addressOf(podman, 'web')
  const own = async (): Promise<boolean> =>
    (await podman.exec('web', 'wget', ['-qO-', 'http://127.0.0.1/'])).code === 0
  await until('the web server', own)
  const ways = [
    ['fabric', `${ADDRESS.primary}:8080`],
    ['secondVm', `${ADDRESS.primary}:8080`],
    ['vm', `${ADDRESS.primary}:8080`],
    ['vm', '127.0.0.1:8080'],
    ['vm', `${address}:80`],
  ] as const
  for (const [where, target] of ways)
    t.equal(await curl(host, where, target), PAGE, `${where} → ${target}`)
  const gateway = ['-c', '1', '-W', '2', ADDRESS.gateway]
  const ping = await podman.exec('web', 'ping', gateway)
  t.equal(ping.code, 0, `container → gateway: ${ping.stderr}`)
  return address
}

tap.test('podman with the reference plug-ins: the harness works', { skip }, async (t) => {
  await using host = await AzureHost.create()
  const networks = { '10-plain.conflist': JSON.stringify(GO_CONFLIST) }
  const podman = await Podman.create({ host, cniPath: GO_PLUGINS, networks })
  const address = await publishAndTry(t, host, podman, 'plain')
  t.match(address, /^10\.88\.0\./)
  await podman.rm('web')
  t.match(
    await curl(host, 'fabric', `${ADDRESS.primary}:8080`),
    /refused|connect/,
    'the port is free',
  )
})

tap.test(
  'podman with the one file and the default list as it is',
  { skip },
  async (t) => {
    await using host = await AzureHost.create()
    const cniPath = await installBundle(join(host.folder, 'bin'))
    const networks = { '10-azure.conflist': readFileSync(CONFLIST, 'utf8') }
    const podman = await Podman.create({ host, cniPath, networks })
    const before = await host.snapshot()
    const watch = await host.hostPing()
    const port = `${ADDRESS.primary}:8080`
    const served = () =>
      until('the page', async () => (await curl(host, 'fabric', port)) === PAGE)
    const free = async (st: Test) =>
      st.match(await curl(host, 'fabric', port), /refused|connect/, 'the port is free')
    const nothingLeft = async (st: Test) => {
      await assertPodsGone(st, host, before)
      await free(st)
    }

    await t.test('every way to a container and from it; rm -f', async (st) => {
      const address = await publishAndTry(st, host, podman, 'azure')
      st.ok(
        host.nic.secondaries.includes(address),
        `${address} is one of the VM's addresses`,
      )
      for (const where of ['fabric', 'secondVm', 'peeredVm'])
        st.equal(await curl(host, where, `${address}:80`), PAGE, `${where} → ${address}`)
      st.ok((await host.wireserverRequests()) > 0, 'the pool came from the wireserver')
      st.equal(await host.fabricDrops(), 0, 'no frame left with a foreign source MAC')
      await podman.rm('web')
      await nothingLeft(st)
    })

    await t.test('stop, start, restart', async (st) => {
      await podman.run({ name: 'web', network: 'azure', ports: ['8080:80'] })
      st.ok(await served(), 'started')
      await podman.must('stop', '-t', '0', 'web')
      await podman.settled()
      await nothingLeft(st)
      await podman.must('start', 'web')
      st.ok(await served(), 'started again')
      await podman.must('restart', '-t', '0', 'web')
      st.ok(await served(), 'restarted')
      await podman.rm('web')
      await nothingLeft(st)
    })

    await t.test('podman’s monitor killed between ADD and DEL', async (st) => {
      await podman.run({ name: 'web', network: 'azure', ports: ['8080:80'] })
      st.ok(await served(), 'started')
      const monitors = podman.monitors()
      st.equal(monitors.length, 1, 'one monitor')
      for (const pid of monitors) process.kill(pid, 'SIGKILL')
      st.equal(await curl(host, 'fabric', port), PAGE, 'the container serves without it')
      await podman.rm('web')
      await nothingLeft(st)
    })

    await t.test('reset', (st) => assertReset(st, host, before, cniPath))

    const { lost, longestGapMs } = await watch.stop()
    t.ok(longestGapMs <= BRIEF_MS, `the VM kept its network: ${lost} lost`)
  },
)
