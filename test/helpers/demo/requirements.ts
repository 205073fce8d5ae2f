import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NetNs, type Plan } from '../../../dist/esm/index.js'
import type { DemoOptions } from './show.js'

/** What is tried in a namespace that goes away again, and the cure where it fails. */
const ABILITIES: { try: (plan: Plan) => void; cure: string }[] = [
  {
    try: ({ link }) => void link.add({ kind: 'bridge', name: 'bridge' }),
    cure: 'the kernel makes no bridges: modprobe bridge',
  },
  {
    try: ({ link }) => void link.addVeth({ name: 'one' }, { name: 'other' }),
    cure: 'the kernel makes no veth pairs: modprobe veth',
  },
  {
    try: ({ nftables }) => void nftables.tables(),
    cure: 'the kernel has no nftables: modprobe nf_tables',
  },
  {
    try: ({ sysctl }) => sysctl.set('net/ipv4/ip_forward', 1),
    cure: '/proc/sys cannot be written: in a container, start that with --privileged',
  },
]

/** Why a file is no network configuration list, or `undefined` if it is one. */
function listProblem(file: string): string | undefined {
  try {
    const list = JSON.parse(readFileSync(file, 'utf8')) as { plugins?: unknown[] } | null
    if (list?.plugins?.length) return undefined
    return `${file} names no plugins: give a network configuration list`
  } catch (error) {
    return `${file} cannot be read as a network configuration list: ${(error as Error).message}`
  }
}

/**
 * Why a host cannot be simulated here, in one line with the cure, or `undefined` if it can. Tries
 * everything in a namespace of its own.
 */
export async function missingRequirement({
  'cni-path': cniPath,
  conflist,
}: Pick<DemoOptions, 'cni-path' | 'conflist'>): Promise<string | undefined> {
  if (process.getuid?.() !== 0)
    return 'network namespaces need root: run it again with sudo'
  if (!existsSync(join(cniPath, 'azure-vnet')))
    return `there are no plug-ins in ${cniPath}: npm run build makes them`
  const problem = listProblem(conflist)
  if (problem) return problem
  try {
    accessSync('/run', constants.W_OK)
  } catch {
    return '/run cannot be written: mount a tmpfs there'
  }
  let namespace: NetNs
  try {
    namespace = NetNs.create()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'EPERM'
      ? 'root may not make network namespaces here (EPERM): in a container, start that with --privileged'
      : `the addon does not work: npm run build makes it anew (${message.split('\n')[0]})`
  }
  using _ = namespace
  for (const { try: attempt, cure } of ABILITIES) {
    const plan = namespace.plan()
    attempt(plan)
    const failed = await plan.run().catch((error: Error) => error)
    if (failed instanceof Error) return `${cure} (${failed.message})`
  }
  return undefined
}
