import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { busyboxImage, WEB } from './busybox-image.js'
import { missingPrograms, PrivateSpace } from './private-space.js'
import { until, type Outcome } from './process.js'

/** Settings of a {@link Containerd}. */
export interface ContainerdOptions {
  space: PrivateSpace
  /** Folder with plug-ins for the CRI; /opt/cni/bin unless given. */
  cniPath?: string
}

/** Why containerd cannot be used here, or `undefined` if it can. */
export function containerdProblem(): string | undefined {
  return missingPrograms({
    containerd: 'containerd',
    ctr: 'containerd',
    runc: 'runc',
    busybox: 'busybox-static',
  })
}

/** An image whose own command is a web server. */
export const IMAGE = 'docker.io/library/busybox:test'
/** The image of the process that holds a pod's namespaces. */
const PAUSE = 'docker.io/library/pause:test'

/** containerd inside a simulated VM, with its CRI service. */
export class Containerd {
  readonly space: PrivateSpace
  /** The socket, reachable from outside too. */
  readonly socket: string

  private constructor({ space, cniPath = '/opt/cni/bin' }: ContainerdOptions) {
    this.space = space
    this.socket = join(space.folder, 'containerd.sock')
    writeFileSync(
      join(space.folder, 'containerd.toml'),
      `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "${this.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniPath}"
    conf_dir = "/etc/cni/net.d"
`,
    )
  }

  /** Starts the daemon and waits until it answers. */
  static async create(options: ContainerdOptions): Promise<Containerd> {
    const containerd = new Containerd(options)
    await containerd.start()
    return containerd
  }

  /** Starts the daemon, again after {@link kill}. */
  async start(): Promise<void> {
    const config = join(this.space.folder, 'containerd.toml')
    this.space.start('containerd', 'containerd', ['--config', config])
    try {
      const answers = async () => (await this.ctr('version')).code === 0
      await until('containerd', answers)
    } catch (error) {
      throw new Error(`${String(error)}\n${this.space.log('containerd')}`, {
        cause: error,
      })
    }
  }

  /** Ends the daemon as a crash would; containers live on. */
  kill(): Promise<void> {
    return this.space.signal('containerd', 'KILL')
  }

  /** Imports the images into a namespace of containerd; `k8s.io` is the CRI's. */
  async importImages(namespace: 'default' | 'k8s.io'): Promise<void> {
    const images: [string, readonly string[]][] = [
      [IMAGE, WEB],
      [PAUSE, ['sleep', '99999']],
    ]
    for (const [name, command] of images) {
      const archive = await busyboxImage(this.space, name, command)
      const args = ['image', 'import', '--snapshotter', 'native', archive]
      const { code, stderr } = await this.ctr('-n', namespace, ...args)
      if (code !== 0) throw new Error(`ctr image import: ${stderr}`)
    }
  }

  /** Runs `ctr`. */
  ctr(...args: string[]): Promise<Outcome> {
    return this.space.run('ctr', ['-a', this.socket, ...args])
  }
}
