import { runSync } from '../process.js'

const PACKAGES: Record<string, string> = {
  ip: 'iproute2',
  nft: 'nftables',
  sysctl: 'procps',
  ping: 'iputils-ping',
  curl: 'curl',
  busybox: 'busybox-static',
}

/** Why a host cannot be simulated here, in one line, or `undefined` if it can. */
export function missingRequirement(): string | undefined {
  if (process.getuid?.() !== 0)
    return 'network namespaces need root: run it again with sudo'
  for (const [program, name] of Object.entries(PACKAGES)) {
    if (runSync('sh', ['-c', `command -v ${program}`]).code !== 0)
      return `${program} is not installed: apt install ${name}`
  }
  return undefined
}
