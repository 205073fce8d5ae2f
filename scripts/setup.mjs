// Sees to it that the programs which the tests use are there. `npm test` calls it first; it needs
// nothing but Node, so that it also works before `npm ci`.
//
//   node scripts/setup.mjs [--yes]
//
// On Debian as root, what is missing is installed: at once with --yes or CI=true, after a question
// on a terminal. Everywhere else it is named, and the exit status is 3.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

/** Exit status when something is missing and is not installed. */
export const MISSING = 3

/** Debian's package → what the tests and builds use of it: programs, or files by path, where * is any text. */
const PACKAGES = {
  'build-essential': ['gcc', 'g++', 'make', 'readelf', 'objdump', 'nm'],
  python3: ['python3'],
  iproute2: ['ip', 'tc', 'bridge', 'ss', 'genl'],
  iptables: ['iptables', 'iptables-nft', 'ip6tables'],
  nftables: ['nft'],
  procps: ['sysctl'],
  'util-linux': ['unshare', 'nsenter', 'setpriv'],
  mount: ['mount', 'umount'],
  'iputils-ping': ['ping'],
  'iputils-arping': ['arping'],
  conntrack: ['conntrack'],
  curl: ['curl'],
  jq: ['jq'],
  strace: ['strace'],
  'busybox-static': ['busybox'],
  shellcheck: ['shellcheck'],
  'clang-format': ['clang-format'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/usr/lib/cni/host-local'],
  podman: ['podman'],
  runc: ['runc'],
  conmon: ['conmon'],
  containerd: ['containerd', 'ctr'],
  'dbus-daemon': ['dbus-daemon'],
  'python3-dbus': ['/usr/lib/python3/dist-packages/dbus/__init__.py'],
  'python3-gi': ['/usr/lib/python3/dist-packages/gi/__init__.py'],
  'docker.io': ['docker', 'dockerd'],
  clang: ['clang++'],
  'libclang-rt-dev': ['/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a'],
  cmake: ['cmake'],
  'ninja-build': ['ninja'],
  valgrind: ['valgrind'],
  'g++-aarch64-linux-gnu': ['aarch64-linux-gnu-g++'],
  'qemu-user-static': ['qemu-aarch64-static'],
  'musl-tools': ['musl-gcc'],
  'linux-doc-6.12': [
    '/usr/share/doc/linux-doc-6.12/Documentation/netlink/specs/rt_link.yaml.gz',
    '/usr/share/doc/linux-doc-6.12/Documentation/netlink/specs/nftables.yaml.gz',
  ],
}

/**
 * Of the kernel's documentation only the specifications of netlink are unpacked: 3 MB of 200. The
 * folders above have to be named too (dpkg(1), --path-include). Images that leave all of
 * /usr/share/doc out get them as well.
 */
const KERNEL_DOC = '/usr/share/doc/linux-doc-6.12'
const UNPACK = [
  `exclude=${KERNEL_DOC}/*`,
  `include=${KERNEL_DOC}`,
  `include=${KERNEL_DOC}/Documentation`,
  `include=${KERNEL_DOC}/Documentation/netlink`,
  `include=${KERNEL_DOC}/Documentation/netlink/specs*`,
].flatMap((filter) => ['-o', `DPkg::Options::=--path-${filter}`])

function isThere(name) {
  if (name.startsWith('/')) return matches('/', name.split('/').slice(1))
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return path.some((folder) => isExecutable(join(folder, name)))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Whether a folder has what a path of patterns leads to. */
function matches(folder, [first, ...rest]) {
  if (first === undefined) return existsSync(folder)
  if (!first.includes('*')) return matches(join(folder, first), rest)
  const pattern = new RegExp(`^${first.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.some((name) => pattern.test(name) && matches(join(folder, name), rest))
}

/** Packages of which something is missing, each with what that is. */
function missingPackages() {
  return Object.entries(PACKAGES)
    .map(([name, uses]) => [name, uses.filter((use) => !isThere(use))])
    .filter(([, absent]) => absent.length > 0)
}

/** Why we cannot install anything, or `undefined` if we can. */
function obstacle() {
  if (!isThere('apt-get')) return 'this is no Debian: install them as your system does'
  if (process.getuid() !== 0) return 'root can install them: run it again with sudo'
  try {
    accessSync('/usr', constants.W_OK)
  } catch {
    return '/usr cannot be written'
  }
  return undefined
}

async function agreed({ yes }) {
  if (yes || process.env.CI === 'true') return true
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Install them now with apt-get? [Y/n] ')
  terminal.close()
  return /^(y(es)?)?$/i.test(answer.trim())
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const done = spawnSync('apt-get', args, { encoding: 'utf8', env, stdio: 'pipe' })
  if (done.status === 0) return
  const tail = `${done.stdout ?? ''}${done.stderr ?? ''}`.trim().split('\n').slice(-8)
  throw new Error(`apt-get ${args.join(' ')} failed:\n${tail.join('\n')}`)
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`)
}

/**
 * Installs what is missing, if it may. Answers whether all is there now; what is not was named.
 *
 * @param {{ yes: boolean }} options `yes` asks no question
 */
export async function setUp({ yes }) {
  const missing = missingPackages()
  if (missing.length === 0) return true
  const names = missing.map(([name]) => name)
  say('these Debian packages are missing:')
  for (const [name, absent] of missing) say(`  ${name} (${absent.join(', ')})`)
  const reason = obstacle()
  if (reason) {
    say(reason)
    return false
  }
  if (!(await agreed({ yes }))) {
    say(`nothing was installed: say --yes (npm test -- --yes), set CI=true, or call`)
    say(`  apt-get install --no-install-recommends ${names.join(' ')}`)
    return false
  }
  say(`installing ${names.join(' ')}`)
  apt('update', '-qq')
  const options = names.includes('linux-doc-6.12') ? UNPACK : []
  apt('install', '-y', '-qq', '--no-install-recommends', ...options, ...names)
  const left = missingPackages()
  for (const [name, absent] of left)
    say(`${name} is installed and ${absent.join(', ')} is still missing`)
  return left.length === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const ready = await setUp({ yes: process.argv.includes('--yes') })
    if (!ready) process.exitCode = MISSING
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}
