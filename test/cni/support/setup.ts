/**
 * What the tests of the programs have in common: a simulated VM, the seed's list with
 * changes, calls of one program with any environment, and looks at what is recorded.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { NodeState } from '../../../dist/esm/engine/records.js'
import type { Host } from '../../../dist/esm/host/host.js'
import { HostProcess, processHost } from '../../../dist/esm/host/process-host.js'
import {
  AzureHost,
  type AzureHostOptions,
  type PictureOptions,
} from '../../helpers/azure-host.js'
import {
  CniError,
  CniRunner,
  type CniResult,
  type CniRunnerOptions,
  type Conflist,
} from '../../helpers/cni-runner.js'
import { DEFAULT_TIMEOUT_MS, until } from '../../helpers/process.js'
import type { Outcome, RunOptions } from '../../helpers/process.js'
import { diffSnapshots, readState, type Snapshot } from '../../helpers/snapshot.js'

const inRoot = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Folder of our programs: the build's, or an installed one that is to be tested. */
export const OUR_PLUGINS = process.env['VNET_CNI_BIN'] ?? inRoot('dist/cni')
/** Folder of the reference plug-ins. */
export const GO_PLUGINS = '/usr/lib/cni'
/** The list that the project ships. */
export const SEED_CONFLIST = inRoot('conf/10-azure.conflist')

/** Makes a VM that goes away at the end of the test. */
export async function makeHost(t: Test, options?: AzureHostOptions): Promise<AzureHost> {
  const host = await AzureHost.create(options)
  t.teardown(() => host.destroy())
  return host
}

/** How long a bridge stays; see docs of `bridgeLifetime`. */
export type Lifetime = 'node' | 'pods'
/** Both. */
export const LIFETIMES: readonly Lifetime[] = ['pods', 'node']

/** What to change in the seed's list. */
export interface Changes {
  name?: string
  cniVersion?: string
  /** Fields of azure-vnet; `undefined` takes one away. */
  vnet?: Record<string, unknown>
  /** How long the bridge stays: `pods` unless said otherwise; `undefined` takes the field away. */
  lifetime?: Lifetime | undefined
  /** Fields added to azure-vnet's `ipam`. */
  ipam?: Record<string, unknown>
  /** Fields of portmap; false leaves portmap out. */
  portmap?: Record<string, unknown> | false
}

/**
 * The seed's list with changes. The bridge goes with its last pod unless said otherwise, so that a
 * test can tell whether anything is left.
 */
export function seedList(changes: Changes = {}): Conflist {
  const list = JSON.parse(readFileSync(SEED_CONFLIST, 'utf8')) as Conflist
  const [vnet, portmap] = list.plugins
  const ipam = { ...(vnet?.['ipam'] as object), ...changes.ipam }
  const bridgeLifetime = 'lifetime' in changes ? changes.lifetime : 'pods'
  const main = { ...vnet, bridgeLifetime, ipam, ...changes.vnet, type: 'azure-vnet' }
  const ports =
    changes.portmap === false ? [] : [{ ...portmap, ...changes.portmap, type: 'portmap' }]
  return {
    ...list,
    ...(changes.name && { name: changes.name }),
    ...(changes.cniVersion && { cniVersion: changes.cniVersion }),
    plugins: [main, ...ports],
  }
}

/** A runtime for our programs. */
export function runtime(
  host: AzureHost,
  conflist: Conflist | Changes = {},
  more: Partial<CniRunnerOptions> = {},
): CniRunner {
  const list = 'plugins' in conflist ? (conflist as Conflist) : seedList(conflist)
  return new CniRunner({ host, cniPath: OUR_PLUGINS, ...more, conflist: list })
}

/** The pod's address without its prefix length. */
export function addressOf(result: CniResult): string {
  return result.ips?.[0]?.address.split('/')[0] ?? 'no address'
}

/** Makes a pod's namespace and runs ADD for it; answers with its address. */
export async function addPod(
  runner: CniRunner,
  pod: string,
  options: Parameters<CniRunner['add']>[3] = {},
): Promise<string> {
  const path = runner.host.pods.get(pod) ?? (await runner.host.addPodNetns(pod))
  return addressOf(await runner.add(pod, path, 'eth0', options))
}

/** Runs DEL for a pod made with {@link addPod}. */
export async function delPod(runner: CniRunner, pod: string): Promise<void> {
  await runner.del(pod, runner.host.pods.get(pod) ?? '', 'eth0')
}

/** Calls `work` for each item, `width` of them at a time; answers in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const entries = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

/** An environment where `undefined` takes a variable away. */
export type Env = Record<string, string | undefined>

/** One call of a program, complete unless told otherwise. */
export interface Call {
  command?: string
  env?: Env
  stdin: string | object
  timeoutMs?: number
  /** A program with its arguments that starts ours. */
  wrapper?: string[]
}

/** Runs one of our programs in the VM with any environment and any input. */
export function callProgram(
  host: AzureHost,
  program: string,
  call: Call,
): Promise<Outcome> {
  const {
    command = 'ADD',
    env,
    stdin,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    wrapper = [],
  } = call
  const options: RunOptions = {
    input: typeof stdin === 'string' ? stdin : JSON.stringify(stdin),
    timeoutMs,
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'container',
      CNI_NETNS: '/run/netns/absent',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: '',
      CNI_PATH: OUR_PLUGINS,
      ...host.env,
      ...env,
    },
  }
  const [first = '', ...rest] = [...wrapper, join(OUR_PLUGINS, program)]
  return host.exec(first, rest, options)
}

/** What a failing program has to print. */
export interface Complaint {
  cniVersion?: string
  code: number
  msg: string
  details?: string
}

/** Asserts that there is one error object on standard output, and returns it. */
export function complaintOf(t: Test, outcome: Outcome): Complaint {
  t.equal(outcome.code, 1, 'exit status')
  let document: Complaint = { code: -1, msg: '' }
  t.doesNotThrow(
    () => (document = JSON.parse(outcome.stdout) as Complaint),
    `one JSON document on standard output: ${outcome.stdout}${outcome.stderr}`,
  )
  t.type(document.code, 'number')
  t.type(document.msg, 'string')
  return document
}

/** Asserts that a runtime's call fails with a code and words, and returns the error. */
export async function refuses(
  t: Test,
  call: Promise<unknown>,
  code: number,
  ...words: (string | RegExp)[]
): Promise<CniError | undefined> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof CniError)) {
    t.fail(`error ${code} was expected`, { found: String(error) })
    return undefined
  }
  t.equal(error.code, code, `code of "${error.message}"`)
  for (const word of words) t.match(`${error.msg} ${error.details ?? ''}`, word)
  return error
}

/** Leases on record, by owner (`container/interface`) → address without prefix length. */
export function leases(host: AzureHost): Record<string, string> {
  const file = readState(host.stateDir)['ipam.json'] as
    { data: { leases: LeaseRecord[] } } | undefined
  const all = file?.data.leases ?? []
  return Object.fromEntries(
    all.map(({ address, owner }) => [
      `${owner.containerId}/${owner.ifname}`,
      address.split('/')[0] ?? '',
    ]),
  )
}

interface LeaseRecord {
  address: string
  owner: { containerId: string; ifname: string }
}

/** Attachments and host networks that azure-vnet has on record. */
export function nodeRecords(host: AzureHost): NodeState {
  const file = readState(host.stateDir)['azure-vnet.json'] as
    { data: NodeState } | undefined
  return file?.data ?? { networks: {}, attachments: {} }
}

/** The Host of a call of this process that works with the VM's files; the caller closes it. */
export function outsideOf(host: AzureHost): Host {
  return processHost(new HostProcess(process.pid), host.env)
}

/** The lines of a program's log. */
export function logLines(host: AzureHost, program: string): Record<string, unknown>[] {
  const path = join(host.logDir, `${program}.log`)
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/**
 * A picture of a host with pods, taken when IPv6 has settled: link-local addresses of new
 * links come seconds later.
 */
export async function settledPicture(
  host: AzureHost,
  options: PictureOptions = {},
): Promise<Snapshot> {
  let last = await host.snapshot(options)
  const settled = async (): Promise<boolean> => {
    const { stdout } = await host.exec('ip', ['-6', 'addr', 'show', 'tentative'])
    const next = await host.snapshot(options)
    const same = diffSnapshots(last, next).length === 0
    last = next
    return same && stdout === ''
  }
  await until('a quiet host', settled, undefined, 300)
  return last
}

/** Asserts that a host becomes as in a picture and stays out of other differences. */
export async function assertSame(
  t: Test,
  host: AzureHost,
  before: Snapshot,
  options: PictureOptions = {},
  what = 'host and state are as before',
): Promise<void> {
  t.strictSame(await host.changesSince(before, options), [], what)
}

/** Runs a command of vnet-cni in the VM. */
export function vnetCni(host: AzureHost, ...args: string[]): Promise<Outcome> {
  return host.exec(join(OUR_PLUGINS, 'vnet-cni'), args, { env: host.env })
}

/** Names of the host's links that lead to pods. */
export async function podLinks(host: AzureHost): Promise<string[]> {
  const { stdout } = await host.exec('ip', ['-j', 'link'])
  const links = JSON.parse(stdout) as { ifname: string }[]
  return links.map((link) => link.ifname).filter((name) => name.startsWith('azv'))
}

/** Addresses in the bridge's map, the host's own included. */
export async function mapAddresses(
  host: AzureHost,
  bridge = 'azure0',
): Promise<string[]> {
  const map = ['map', 'bridge', `azure_vnet_${bridge}`, 'endpoints']
  const { stdout } = await host.exec('nft', ['list', ...map])
  return [...stdout.matchAll(/(\d+\.\d+\.\d+\.\d+)\b.*?:/g)].map(
    ([, address]) => address!,
  )
}

/**
 * Asserts that nothing of any pod is left: no record, no lease, no link, no permanent neighbour, and
 * in the nft tables no element but the host's own.
 */
export async function assertNoPods(t: Test, host: AzureHost): Promise<void> {
  t.strictSame(nodeRecords(host).attachments, {}, 'no attachment is on record')
  t.strictSame(leases(host), {}, 'no lease is left')
  t.strictSame(await podLinks(host), [], 'no link is left')
  const permanent = await host.exec('ip', ['neigh', 'show', 'nud', 'permanent'])
  t.equal(permanent.stdout, '', 'no neighbour is left')
  const { stdout } = await host.exec('nft', ['list', 'ruleset'])
  const comments = [...stdout.matchAll(/comment "([^"]*\/[^"]*)"/g)].map(([, tag]) => tag)
  t.strictSame(comments, [], 'no element of an owner is left')
}

/**
 * Asserts what a lifetime promises after the last DEL: with `pods` the host is as before, with
 * `node` the bridge is there and nothing of any pod; then a reset gives the host back as it was.
 */
export async function assertOver(
  t: Test,
  host: AzureHost,
  before: Snapshot,
  lifetime: Lifetime,
): Promise<void> {
  if (lifetime === 'node') {
    await assertNoPods(t, host)
    await resetHost(t, host)
  }
  await assertClean(t, host, before)
}

/** Resets the VM and asserts that no file of ours is left. */
export async function resetHost(t: Test, host: AzureHost): Promise<void> {
  const { code, stdout, stderr } = await vnetCni(host, 'reset')
  t.equal(code, 0, `reset: ${stdout}${stderr}`)
  const left = [...Object.keys(readState(host.stateDir))]
  t.strictSame(
    left.filter((name) => !name.endsWith('.lock')),
    [],
    'no state is left',
  )
}

/** Asserts that all of a host is as in a picture without state, and nothing is on record. */
export async function assertClean(
  t: Test,
  host: AzureHost,
  before: Snapshot,
): Promise<void> {
  await assertSame(t, host, before, { state: false }, 'the network is as before')
  t.strictSame(leases(host), {}, 'no lease is left')
  t.strictSame(nodeRecords(host), { networks: {}, attachments: {} }, 'no record is left')
}
