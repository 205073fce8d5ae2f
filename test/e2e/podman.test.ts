import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tap, { type Test } from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { BRIEF_MS } from '../helpers/host-ping.js'
import { ADDRESS } from '../helpers/fabric.js'
import { Podman, podmanProblem } from '../helpers/podman.js'
import { until } from '../helpers/process.js'

const inRoot = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url))
const OUR_PLUGINS = inRoot('dist/cni')
const OUR_CONFLIST = inRoot('conf/10-azure.conflist')
const GO_PLUGINS = '/usr/lib/cni'

// In CI an absent podman is a broken job, not a reason to pass.
const problem = process.env['CI'] ? undefined : podmanProblem()
const skip = problem ?? false

const PAGE = 'served through a host port'
const WEB = ['sh', '-c', `echo '${PAGE}' > /www/index.html; exec httpd -f -p 80 -h /www`]

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
  const args = ['-s', '-S', '-m', '3', `http://${address}/`]
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
  const options = { image: 'busybox', network, ports: ['8080:80'], cmd: WEB }
  await podman.run({ name: 'web', ...options })
  const address = await addressOf(podman, 'web')
  const own = async (): Promise<boolean> =>
    (await podman.exec('web', 'wget', ['-qO-', 'http://127.0.0.1/'])).code === 0
  await until('the web server', own, 10_000)
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
  t.equal(ping.code, 0, `container → gateway ${ADDRESS.gateway}`)
  return address
}

tap.test('podman with the reference plug-ins: the harness works', { skip }, async (t) => {
  await using host = await AzureHost.create()
  const networks = { '10-plain.conflist': JSON.stringify(GO_CONFLIST) }
  const podman = await Podman.create({ host, cniPath: GO_PLUGINS, networks })
  await podman.importBusybox()
  const address = await publishAndTry(t, host, podman, 'plain')
  t.match(address, /^10\.88\.0\./)
  await podman.rm('web')
  t.match(
    await curl(host, 'fabric', `${ADDRESS.primary}:8080`),
    /refused|connect/,
    'the port is free',
  )
})

tap.test('podman with azure-vnet and the default list as it is', { skip }, async (t) => {
  if (!existsSync(OUR_PLUGINS)) return t.fail('the plug-ins are not built: npm run build')
  await using host = await AzureHost.create()
  const networks = { '10-azure.conflist': readFileSync(OUR_CONFLIST, 'utf8') }
  const podman = await Podman.create({ host, cniPath: OUR_PLUGINS, networks })
  await podman.importBusybox()
  const before = await host.snapshot({ state: false })
  const watch = await host.hostPing()

  const address = await publishAndTry(t, host, podman, 'azure')
  t.ok(host.nic.secondaries.includes(address), `${address} is one of the VM's addresses`)
  for (const where of ['fabric', 'secondVm', 'peeredVm'])
    t.equal(await curl(host, where, `${address}:80`), PAGE, `${where} → ${address}`)
  t.ok((await host.wireserverRequests()) > 0, 'the pool came from the wireserver')
  t.equal(await host.fabricDrops(), 0, 'no frame left with a foreign source MAC')

  await podman.rm('web')
  t.strictSame(await host.changesSince(before, { state: false }), [], 'nothing is left')
  const { lost, longestGapMs } = await watch.stop()
  t.ok(longestGapMs <= BRIEF_MS, `the VM kept its network: ${lost} lost`)
})
