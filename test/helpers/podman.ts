import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AzureHost } from './azure-host.js'
import { removeCgroups } from './cgroups.js'
import {
  CommandError,
  run,
  runSync,
  until,
  type Outcome,
  type RunOptions,
} from './process.js'

/** How to make a {@link Podman}. */
export interface PodmanOptions {
  host: AzureHost
  /** Folders with CNI plug-ins. */
  cniPath: string | string[]
  /** File name → content of the network configuration folder. */
  networks: Record<string, string>
}

/** Settings of one container. */
export interface ContainerOptions {
  name: string
  image: string
  network: string
  /** As for `podman run -p`, such as `8080:80`. */
  ports?: string[]
  cmd: string[]
}

const MISSING: Record<string, string> = {
  podman: 'podman',
  runc: 'runc',
  conmon: 'conmon',
  busybox: 'busybox-static',
  tar: 'tar',
}
const UNSHARE = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
// The first process of the PID namespace. It has to reap what conmon leaves behind, as bash
// does while it reads; its input ends with this process, whatever happens to it, and then
// the kernel ends everything else in there.
const HOLDER = `
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/lib
  mkdir /run/netns /run/lock
  echo ready
  while read -r; do :; done`

/** Why podman cannot be used here, naming the Debian package, or `undefined` if it can. */
export function podmanProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'podman inside a simulated VM needs root'
  const absent = Object.keys(MISSING).find(
    (name) => runSync('sh', ['-c', `command -v ${name}`]).code !== 0,
  )
  return absent && `${absent} is not installed (Debian package ${MISSING[absent]})`
}

function containersConf({ host, cniPath }: PodmanOptions, networkDir: string): string {
  // TOML's strings and arrays of strings are written as in JSON.
  const env = Object.entries(host.env).map(([name, value]) => `${name}=${value}`)
  return `[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[network]
network_backend = "cni"
cni_plugin_dirs = ${JSON.stringify([cniPath].flat())}
network_config_dir = ${JSON.stringify(networkDir)}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
# The clean-up after a container's end is started by conmon: it calls DEL too.
conmon_env_vars = ${JSON.stringify(env)}
`
}

/**
 * Podman inside a simulated VM: it sees the VM's network, and has storage, run-time
 * folders and names of network namespaces of its own, in a mount and a PID namespace that
 * take all mounts and processes along when they go.
 */
export class Podman {
  readonly host: AzureHost
  readonly #folder: string
  readonly #holder: ChildProcess
  readonly #cgroup: string
  readonly #forget: () => void
  #closed = false

  private constructor(options: PodmanOptions) {
    this.host = options.host
    this.#folder = join(options.host.folder, 'podman')
    this.#cgroup = `vnet-cni-${options.host.name}`
    const networkDir = join(this.#folder, 'net.d')
    for (const name of ['net.d', 'tmp', 'rootfs/bin', 'storage'])
      mkdirSync(this.#path(name), { recursive: true })
    for (const [name, content] of Object.entries(options.networks))
      writeFileSync(join(networkDir, name), content)
    writeFileSync(this.#path('containers.conf'), containersConf(options, networkDir))
    this.#holder = spawn('unshare', [...UNSHARE, 'bash', '-ec', HOLDER], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#holder.unref()
    this.#forget = options.host.onDestroy(() => this.close())
  }

  /** Sets podman up; the VM has to exist, images and containers do not yet. */
  static async create(options: PodmanOptions): Promise<Podman> {
    mkdirSync(join(options.host.folder, 'podman'))
    const podman = new Podman(options)
    await new Promise<void>((resolve, reject) => {
      podman.#holder.stdout?.once('data', () => resolve())
      podman.#holder.once('exit', () =>
        reject(new Error('no mount namespace for podman')),
      )
    })
    return podman
  }

  /** Makes an image that holds busybox with links for its applets, without a download. */
  async importBusybox(image = 'busybox'): Promise<void> {
    const script = `
      cp "$(command -v busybox)" rootfs/bin/busybox
      for name in sh sleep httpd ping wget cat ip echo mkdir; do
        ln -sf busybox "rootfs/bin/$name"
      done
      mkdir -p rootfs/www rootfs/tmp rootfs/etc
      tar -C rootfs -cf image.tar .`
    const made = await run('sh', ['-ec', script], { cwd: this.#folder })
    if (made.code !== 0) throw new CommandError('making the image', made)
    await this.must(['import', '--quiet', this.#path('image.tar'), image])
  }

  /** Starts a container in the background and returns its full id. */
  async run({
    name,
    image,
    network,
    ports = [],
    cmd,
  }: ContainerOptions): Promise<string> {
    const options = ['--network', network, ...ports.flatMap((port) => ['-p', port])]
    const parent = ['--cgroup-parent', `/${this.#cgroup}`]
    const head = ['run', '-d', '--pull', 'never', '--name', name, ...parent]
    return (await this.must([...head, ...options, image, ...cmd])).trim()
  }

  /** Runs a program in a container. */
  exec(container: string, command: string, args: readonly string[] = []) {
    return this.command(['exec', container, command, ...args])
  }

  /** What a container has written. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await this.command(['logs', container])
    return stdout + stderr
  }

  /** Ends and removes a container, and waits until its clean-up process is gone too. */
  async rm(container: string): Promise<void> {
    await this.must(['rm', '-f', '-t', '0', container])
    await until('the end of conmon', () => this.#conmons().length === 0, 10_000)
  }

  /** Runs any podman command and returns how it came out. */
  command(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const [program, ...rest] = this.#line(args)
    return run(program!, rest, { ...options, env: { ...this.#env(), ...options.env } })
  }

  /** Standard output of a podman command that has to succeed. */
  async must(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const outcome = await this.command(args, options)
    if (outcome.code !== 0) throw new CommandError(`podman ${args.join(' ')}`, outcome)
    return outcome.stdout
  }

  /** Removes all containers and lets the mounts go; called when the host is destroyed. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const [program, ...rest] = this.#line(['rm', '-f', '-a', '-t', '0'])
    runSync(program!, rest, { env: this.#env(), timeoutMs: 20_000 })
    this.#holder.kill('SIGKILL')
    removeCgroups(this.#cgroup)
    this.#forget()
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #env(): Record<string, string> {
    return {
      ...this.host.env,
      CONTAINERS_CONF: this.#path('containers.conf'),
      TMPDIR: this.#path('tmp'),
    }
  }

  /** `ip netns exec` would hide the cgroup mounts, without which runc refuses to work. */
  #line(args: readonly string[]): string[] {
    const spaces = `/proc/${this.#holder.pid}/ns`
    const inner = [`--mount=${spaces}/mnt`, `--pid=${spaces}/pid_for_children`]
    const enter = [`--net=${this.host.netnsPath}`, ...inner]
    // Podman takes at most 50 characters for its run root: it is in the private `/run`.
    const root = this.#path('storage')
    const places = ['--root', root, '--runroot', '/run/root', '--tmpdir', '/run/tmp']
    const global = ['--storage-driver', 'vfs', '--runtime', 'runc', ...places]
    return ['nsenter', ...enter, 'podman', ...global, ...args]
  }

  #conmons(): string[] {
    const { stdout } = runSync('ip', ['netns', 'pids', this.host.names.vm])
    return stdout.split('\n').filter((pid) => {
      try {
        const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
        return pid !== '' && (name === 'conmon' || name === 'podman')
      } catch {
        return false
      }
    })
  }
}
