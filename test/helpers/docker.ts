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

/** dockerd with a containerd, inside a simulated VM; it has no network of its own. */
export class Docker {
  readonly space: PrivateSpace
  readonly containerd: Containerd
  readonly #socket: string

  private constructor(containerd: Containerd) {
    this.containerd = containerd
    this.space = containerd.space
    this.#socket = join(this.space.folder, 'docker.sock')
  }

  /** Starts both daemons and imports the image `busybox`, whose own command is a web server. */
  static async create(space: PrivateSpace): Promise<Docker> {
    const docker = new Docker(await Containerd.create({ space }))
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
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
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
