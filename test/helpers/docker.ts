import { join } from 'node:path'
import { busyboxArchive, WEB } from './busybox-image.js'
import { Containerd } from './containerd.js'
import { missingPrograms, type PrivateSpace } from './private-space.js'
import { until, type Outcome, type RunOptions } from './process.js'

/** Why dockerd cannot be used here, or `undefined` if it can. */
export function dockerProblem(): string | undefined {
  return missingPrograms({
    dockerd: 'docker.io',
    containerd: 'containerd',
    runc: 'runc',
    busybox: 'busybox-static',
  })
}

/** Settings of a {@link Docker}. */
export interface DockerOptions {
  /** The network of a fresh dockerd, with its bridge and rules; none unless asked for. */
  network?: boolean
  /** Containers outlive the daemon. */
  liveRestore?: boolean
}

const NO_NETWORK = [
  ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
]

/** dockerd with a containerd, inside a simulated VM. */
export class Docker {
  readonly space: PrivateSpace
  readonly containerd: Containerd
  readonly #socket: string
  readonly #settings: readonly string[]

  private constructor(containerd: Containerd, options: DockerOptions) {
    const { network = false, liveRestore = false } = options
    this.containerd = containerd
    this.space = containerd.space
    this.#socket = join(this.space.folder, 'docker.sock')
    this.#settings = [
      ...(network ? [] : NO_NETWORK),
      ...(liveRestore ? ['--live-restore'] : []),
    ]
  }

  /** Starts both daemons and imports the image `busybox`, whose own command is a web server. */
  static async create(space: PrivateSpace, options: DockerOptions = {}): Promise<Docker> {
    const docker = new Docker(await Containerd.create({ space }), options)
    await docker.start()
    const archive = await busyboxArchive(space)
    const change = ['--change', `CMD ${JSON.stringify(WEB)}`, '--change', 'ENV PATH=/bin']
    await docker.must('import', ...change, archive, 'busybox')
    return docker
  }

  /** Environment that leads the docker client to this daemon. */
  get env(): { DOCKER_HOST: string } {
    return { DOCKER_HOST: `unix://${this.#socket}` }
  }

  /** Starts dockerd. */
  async start(): Promise<void> {
    this.space.start('dockerd', 'dockerd', [
      ...this.#settings,
      ...['--containerd', this.containerd.socket, '-H', `unix://${this.#socket}`],
      ...['--data-root', '/var/lib/docker', '--exec-root', '/run/docker'],
      ...['--pidfile', '/run/docker.pid', '--storage-driver', 'vfs'],
      ...['--cgroup-parent', `/${this.space.cgroup}`],
      ...['--oom-score-adjust', '0'],
      ...['--default-ulimit', 'nofile=10000:10000'],
    ])
    try {
      const answers = async () => (await this.command(['version'])).code === 0
      await until('dockerd', answers)
    } catch (error) {
      throw new Error(`${String(error)}\n${this.space.log('dockerd')}`, { cause: error })
    }
  }

  /** Has dockerd end in good order, and waits until it has. */
  async stop(): Promise<void> {
    await this.space.signal('dockerd', 'TERM')
    const gone = async () => (await this.command(['version'])).code !== 0
    await until('the end of dockerd', gone)
    const ended = () => this.space.run('sh', ['-c', 'test ! -e /run/docker.pid'])
    await until('the end of dockerd', async () => (await ended()).code === 0)
  }

  /** Runs a docker command. */
  command(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const env = { ...this.env, ...options.env }
    return this.space.run('docker', args, { ...options, env })
  }

  /** Standard output of a docker command that has to succeed. */
  must(...args: string[]): Promise<string> {
    return this.space.must('docker', args, { env: this.env })
  }
}
