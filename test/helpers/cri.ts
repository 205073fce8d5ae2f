import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, type Client } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTO = fileURLToPath(new URL('../fixtures/cri.proto', import.meta.url))
const DEADLINE_MS = 60_000

/** A pod as a kubelet asks for it. */
export interface PodConfig {
  metadata: { name: string; namespace: string; uid: string; attempt: number }
  hostname: string
  port_mappings: { protocol: 'TCP' | 'UDP'; host_port: number; container_port: number }[]
  linux: { cgroup_parent: string }
}

/** What a kubelet asks of a container runtime. */
export class Cri {
  readonly #client: Client

  constructor(socket: string) {
    const types = loadSync(PROTO, { keepCase: true, enums: String, defaults: true })
    const { runtime } = loadPackageDefinition(types) as unknown as {
      runtime: { v1: { RuntimeService: new (address: string, c: unknown) => Client } }
    }
    const { RuntimeService } = runtime.v1
    this.#client = new RuntimeService(`unix:${socket}`, credentials.createInsecure())
  }

  /** A pod's settings; two calls make two pods of the same name. */
  static pod(name: string, cgroup: string, ports: [number, number][] = []): PodConfig {
    return {
      metadata: { name, namespace: 'shop', uid: randomUUID(), attempt: 0 },
      hostname: name,
      port_mappings: ports.map(([host_port, container_port]) => ({
        protocol: 'TCP',
        host_port,
        container_port,
      })),
      linux: { cgroup_parent: `/${cgroup}` },
    }
  }

  /** Name and version of the runtime. */
  async version(): Promise<string> {
    const { runtime_name, runtime_version } = await this.#call('Version', {})
    return `${String(runtime_name)} ${String(runtime_version)}`
  }

  /** Makes and starts a sandbox, with its network; answers with its id. */
  async runPod(config: PodConfig): Promise<string> {
    return String((await this.#call('RunPodSandbox', { config })).pod_sandbox_id)
  }

  /** Address and state of a sandbox. */
  async podStatus(id: string): Promise<{ ip: string; state: string }> {
    const { status } = await this.#call('PodSandboxStatus', { pod_sandbox_id: id })
    const { network, state } = status as { network?: { ip: string }; state: string }
    return { ip: network?.ip ?? '', state }
  }

  /** Makes and starts a container in a sandbox; answers with its id. */
  async runContainer(
    pod: string,
    config: PodConfig,
    image: string,
    command: string[],
  ): Promise<string> {
    const { container_id } = await this.#call('CreateContainer', {
      pod_sandbox_id: pod,
      config: { metadata: { name: 'main', attempt: 0 }, image: { image }, command },
      sandbox_config: config,
    })
    await this.#call('StartContainer', { container_id })
    return String(container_id)
  }

  /** Runs a program in a container. */
  async exec(container_id: string, cmd: string[]) {
    const done = await this.#call('ExecSync', { container_id, cmd, timeout: 20 })
    return { code: Number(done.exit_code), stdout: String(done.stdout) }
  }

  /** Takes a sandbox's network away and ends its processes. */
  async stopPod(pod_sandbox_id: string): Promise<void> {
    await this.#call('StopPodSandbox', { pod_sandbox_id })
  }

  /** Removes what is left of a sandbox. */
  async removePod(pod_sandbox_id: string): Promise<void> {
    await this.#call('RemovePodSandbox', { pod_sandbox_id })
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close()
  }

  #call(method: string, request: object): Promise<Record<string, unknown>> {
    const methods = this.#client as unknown as Record<
      string,
      (...args: unknown[]) => void
    >
    return new Promise((resolve, reject) => {
      const deadline = new Date(Date.now() + DEADLINE_MS)
      const done = (error: Error | null, answer: Record<string, unknown>) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(answer)
      // After the daemon was killed the client has to connect once more.
      methods[method]?.call(this.#client, request, { deadline, waitForReady: true }, done)
    })
  }
}
