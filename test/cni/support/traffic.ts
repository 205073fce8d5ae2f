/** Servers in pods and clients anywhere. */
import { fileURLToPath } from 'node:url'
import type { AzureHost } from '../../helpers/azure-host.js'
import { until } from '../../helpers/process.js'

const script = (name: string): string =>
  fileURLToPath(new URL(`../servers/${name}`, import.meta.url))
const NODE = ['-u', 'NODE_OPTIONS', process.execPath]

/**
 * Starts a server on a TCP and a UDP port that answers with its name and the client's
 * address, and waits until it answers inside.
 */
export async function serve(host: AzureHost, pod: string, port = 80, udp = '0.0.0.0') {
  host.start(pod, 'env', [...NODE, script('echo.mjs'), pod, String(port), udp])
  const inside = () => fetchTcp(host, pod, `127.0.0.1:${port}`)
  await until(`the server in ${pod}`, async () => (await inside()).startsWith(pod))
}

/** What the server at an address answers by TCP, or `none`. */
export async function fetchTcp(host: AzureHost, from: string, at: string) {
  const args = ['-s', '-m', '20', `http://${at}/`]
  const { code, stdout } = await host.execIn(from, 'curl', args)
  return code === 0 ? stdout.trim() : 'none'
}

/** What the server at an address answers by UDP, or `none`. */
export async function fetchUdp(
  host: AzureHost,
  from: string,
  at: string,
  { sourcePort = 0, tries = 10, message = 'hello' } = {},
): Promise<string> {
  const [address = '', port = ''] = at.split(':')
  const numbers = [port, `${sourcePort}`, `${tries}`]
  const args = [script('udp-client.mjs'), address, ...numbers, message]
  const { code, stdout } = await host.execIn(from, 'env', [...NODE, ...args])
  return code === 0 ? stdout : 'none'
}

/** Switches whether bridged packets pass through the IPv4 chains of the VM. */
export async function bridgeNetfilter(host: AzureHost, on: boolean): Promise<void> {
  const setting = `net.bridge.bridge-nf-call-iptables=${Number(on)}`
  const { code, stderr } = await host.exec('sysctl', ['-q', '-w', setting])
  if (code !== 0) throw new Error(`${setting}: ${stderr}`)
}

/** Whether the VM has an nft table. */
export async function hasTable(
  host: AzureHost,
  family: string,
  name: string,
): Promise<boolean> {
  const { code } = await host.exec('nft', ['list', 'table', family, name])
  return code === 0
}
