import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { NetNs, type Plan } from '../../../dist/esm/index.js'

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

/**
 * Why a host cannot be simulated here, in one line with the cure, or `undefined` if it can. Tries
 * everything in a namespace of its own.
 */
export async function missingRequirement(cniPath: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0)
    return 'network namespaces need root: run it again with sudo'
  if (!existsSync(join(cniPath, 'azure-vnet')))
    return `there are no plug-ins in ${cniPath}: npm run build makes them`
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
