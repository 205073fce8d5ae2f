import { readFileSync } from 'node:fs'
import type { AzureHost } from './azure-host.js'
import { busyboxArchive, WEB } from './busybox-image.js'
import { missingPrograms, PrivateSpace } from './private-space.js'
import { CommandError, runSync, until, type Outcome, type RunOptions } from './process.js'

/** How to make a {@link Podman}. */
export interface PodmanOptions {
  host: AzureHost
  /** Folder with CNI plug-ins. */
  cniPath: string
  /** File name → content of the network configuration folder. */
  networks: Record<string, string>
  /** The space to live in; one of its own when left out. */
  space?: PrivateSpace
}

/** Settings of one container. */
export interface ContainerOptions {
  name: string
  network: string
  /** As for `podman run -p`, such as `8080:80`. */
  ports?: string[]
}

/** Why podman cannot be used here, naming the Debian package, or `undefined` if it can. */
export function podmanProblem(): string | undefined {
  return missingPrograms({
    podman: 'podman',
    runc: 'runc',
    conmon: 'conmon',
    busybox: 'busybox-static',
    tar: 'tar',
  })
}

function containersConf({ host, cniPath }: PodmanOptions): string {
  // TOML's strings and arrays of strings are written as in JSON.
  const env = Object.entries(host.env).map(([name, value]) => `${name}=${value}`)
  return `[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[network]
network_backend = "cni"
cni_plugin_dirs = ${JSON.stringify([cniPath])}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
# The clean-up after a container's end is started by conmon: it calls DEL too.
conmon_env_vars = ${JSON.stringify(env)}
`
}

const STORAGE_CONF = `[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`

// podman has no setting for the parent cgroup: a program of its name before it has.
const wrapper = (cgroup: string): string => `#!/bin/sh
case $1 in
  create | run) verb=$1; shift; set -- "$verb" --cgroup-parent /${cgroup} "$@" ;;
esac
exec /usr/bin/podman "$@"
`

/** Podman inside a simulated VM: what it keeps goes with its {@link PrivateSpace}. */
export class Podman {
  readonly host: AzureHost
  readonly space: PrivateSpace

  private constructor(host: AzureHost, space: PrivateSpace) {
    this.host = host
    this.space = space
  }

  /** Sets podman up and imports the image `busybox`, whose own command is a web server. */
  static async create(options: PodmanOptions): Promise<Podman> {
    const space = options.space ?? (await PrivateSpace.create(options.host))
    const podman = new Podman(options.host, space)
    const files = Object.entries(options.networks)
    await space.write('/etc/containers/containers.conf', containersConf(options))
    await space.write('/etc/containers/storage.conf', STORAGE_CONF)
    await space.write('/opt/wrap/podman', wrapper(space.cgroup), '755')
    for (const [name, text] of files) await space.write(`/etc/cni/net.d/${name}`, text)
    const change = `CMD ${JSON.stringify(WEB)}`
    const archive = await busyboxArchive(space)
    await podman.must('import', '--quiet', '-c', change, archive, 'busybox')
    return podman
  }

  /** Environment in which `podman` is the one of the test. */
  get env(): Record<string, string> {
    return {
      PATH: '/opt/wrap:/usr/sbin:/usr/bin:/sbin:/bin',
      // This file alone: Debian's own one takes NET_RAW away, which busybox's ping needs.
      CONTAINERS_CONF: '/etc/containers/containers.conf',
    }
  }

  /** Starts a container in the background and returns its full id. */
  async run({ name, network, ports = [] }: ContainerOptions): Promise<string> {
    const options = ['--network', network, ...ports.flatMap((port) => ['-p', port])]
    const head = ['run', '-d', '--pull', 'never', '--name', name]
    return (await this.must(...head, ...options, 'busybox')).trim()
  }

  /** Runs a program in a container. */
  exec(container: string, command: string, args: readonly string[] = []) {
    return this.command(['exec', container, command, ...args])
  }

  /** Removes a container by force, and waits until its clean-up process is gone too. */
  async rm(container: string): Promise<void> {
    await this.must('rm', '-f', '-t', '0', container)
    await this.settled()
  }

  /** Waits until no process of podman's is there: what a container's end sets off has been done. */
  async settled(): Promise<void> {
    await until('the end of conmon', () => this.monitors().length === 0)
  }

  /** Processes of podman and of its monitors, by their numbers outside. */
  monitors(): number[] {
    const { stdout } = runSync('ip', ['netns', 'pids', this.host.names.vm])
    const ids = stdout.split('\n').filter((pid) => {
      try {
        const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
        return pid !== '' && (name === 'conmon' || name === 'podman')
      } catch {
        return false
      }
    })
    return ids.map(Number)
  }

  /** Runs any podman command and returns how it came out. */
  command(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    // The shell looks for the program in the PATH that it was given.
    const line = ['-c', 'exec podman "$@"', 'podman', ...args]
    return this.space.run('sh', line, {
      ...options,
      env: { ...this.env, ...options.env },
    })
  }

  /** Standard output of a podman command that has to succeed. */
  async must(...args: string[]): Promise<string> {
    const outcome = await this.command(args)
    if (outcome.code !== 0) throw new CommandError(`podman ${args.join(' ')}`, outcome)
    return outcome.stdout
  }
}
