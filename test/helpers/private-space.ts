import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AzureHost } from './azure-host.js'
import { removeCgroups } from './cgroups.js'
import { CommandError, run, runSync, type Outcome, type RunOptions } from './process.js'

const UNSHARE = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
// The first process of the PID namespace. It has to reap what daemons leave behind, as bash
// does while it reads; its input ends with this process, whatever happens to it, and then
// the kernel ends everything else in there. /opt and /etc take writes that nobody else sees.
// There is no Node in there, wherever this machine has it: what needs one fails.
const HOLDER = `
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/lib
  mkdir -p /run/netns /run/lock /run/over
  for name in opt etc; do
    mkdir "/run/over/$name" "/run/over/$name.work"
    mount -t overlay overlay "/$name" \
      -o "lowerdir=/$name,upperdir=/run/over/$name,workdir=/run/over/$name.work"
  done
  rm -rf /etc/cni/net.d /opt/cni
  mkdir -p /etc/cni/net.d /opt/cni/bin
  PATH=$PATH:/usr/local/bin:/usr/bin
  for name in $(type -ap node nodejs | xargs -r realpath | sort -u); do
    mount --bind /dev/null "$name"
  done
  if node -e 0 2>/dev/null; then exit 1; fi
  echo ready
  while read -r; do :; done`

/** Why containers cannot be run here, naming the Debian package, or `undefined`. */
export function missingPrograms(
  packages: Readonly<Record<string, string>>,
): string | undefined {
  if (process.getuid?.() !== 0) return 'containers inside a simulated VM need root'
  const absent = Object.keys(packages).find(
    (name) => runSync('sh', ['-c', `command -v ${name}`]).code !== 0,
  )
  return absent && `${absent} is not installed (Debian package ${packages[absent]})`
}

/**
 * A simulated VM's file systems and processes: it has the VM's network, a `/run`, `/var/lib`,
 * `/etc` and `/opt` of its own, no Node, and takes all its mounts and processes along when it goes.
 */
export class PrivateSpace {
  readonly host: AzureHost
  /** A folder that is seen from inside and outside. */
  readonly folder: string
  /** Name for a cgroup that holds all containers. */
  readonly cgroup: string
  readonly #holder: ChildProcess
  readonly #forget: () => void
  #closed = false

  private constructor(host: AzureHost) {
    this.host = host
    this.folder = join(host.folder, 'space')
    this.cgroup = `vnet-cni-${host.name}`
    mkdirSync(this.folder, { recursive: true })
    mkdirSync(host.logDir, { recursive: true })
    this.#holder = spawn('unshare', [...UNSHARE, 'bash', '-ec', HOLDER], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#holder.unref()
    this.#forget = host.onDestroy(() => this.close())
  }

  /** Makes the space; the VM has to exist. */
  static async create(host: AzureHost): Promise<PrivateSpace> {
    const space = new PrivateSpace(host)
    await new Promise<void>((resolve, reject) => {
      space.#holder.stdout?.once('data', () => resolve())
      space.#holder.once('exit', () => reject(new Error('no private mount namespace')))
    })
    // What runs inside is told of there, also by what is called from outside.
    host.env.VNET_CNI_RUN_DIR = `/proc/${space.#first()}/root/run`
    return space
  }

  /** Runs a program inside and returns how it came out. */
  run(
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<Outcome> {
    const [program = '', ...rest] = this.#enter(command, args)
    return run(program, rest, { ...options, env: { ...this.#env(), ...options.env } })
  }

  /** Standard output of a program that has to succeed inside. */
  async must(
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<string> {
    const outcome = await this.run(command, args, options)
    if (outcome.code !== 0)
      throw new CommandError(`${command} ${args.join(' ')}`, outcome)
    return outcome.stdout
  }

  /** Starts a daemon inside; its words go to `NAME.log` in the folder. */
  start(name: string, command: string, args: readonly string[] = []): void {
    const log = openSync(join(this.folder, `${name}.log`), 'a')
    // The number that the daemon has inside is what `kill` there wants.
    const script = `echo $$ > '${this.folder}/${name}.pid'; exec "$@"`
    const line = ['-c', script, 'sh', command, ...args]
    const [program = '', ...rest] = this.#enter('sh', line)
    const child = spawn(program, rest, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#env() },
    })
    child.unref()
    closeSync(log)
  }

  /** How to run something inside by hand; the program's own words follow. */
  get entry(): string {
    return this.#enter('', []).join(' ').trim()
  }

  /** A file or folder inside, by a path that leads to it from outside. */
  outside(path: string): string {
    return `/proc/${this.#holder.pid}/root${path}`
  }

  /** Writes a file that is seen inside alone. */
  async write(path: string, text: string, mode = '644'): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"'
    await this.must('sh', ['-ec', script, 'sh', path, mode], { input: text })
  }

  /** Sends a signal to a daemon that {@link start} started. */
  async signal(name: string, signal: 'KILL' | 'TERM'): Promise<void> {
    const pid = readFileSync(join(this.folder, `${name}.pid`), 'utf8').trim()
    await this.must('sh', ['-c', `kill -${signal} ${pid}`])
  }

  /** The last lines of a daemon's log, for messages. */
  log(name: string): string {
    try {
      const text = readFileSync(join(this.folder, `${name}.log`), 'utf8')
      return text.split('\n').slice(-15).join('\n')
    } catch {
      return ''
    }
  }

  /** Ends all processes inside and lets the mounts go; the host does it when it is destroyed. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    // `unshare` passes no signal on; --kill-child ends the namespace's first process with it.
    this.#holder.kill('SIGKILL')
    removeCgroups(this.cgroup)
    this.#forget()
  }

  /** The first process inside, as it is known outside. */
  #first(): string {
    const { pid } = this.#holder
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  }

  #env(): Record<string, string | undefined> {
    const path = '/usr/sbin:/usr/bin:/sbin:/bin'
    // The test runner's own options would load its modules into every plug-in.
    const env = { ...this.host.env, VNET_CNI_RUN_DIR: '/run' }
    return { ...env, PATH: path, TMPDIR: '/tmp', NODE_OPTIONS: undefined }
  }

  /** `ip netns exec` would hide the cgroup mounts, without which runc refuses to work. */
  #enter(command: string, args: readonly string[]): string[] {
    const spaces = `/proc/${this.#holder.pid}/ns`
    const inner = [`--mount=${spaces}/mnt`, `--pid=${spaces}/pid_for_children`]
    return ['nsenter', `--net=${this.host.netnsPath}`, ...inner, command, ...args]
  }
}
