import type { AzureHost, AzureHostOptions } from '../azure-host.js'
import type { PrivateSpace } from '../private-space.js'

/**
 * A state that people have their virtual machines in: what else runs there, who manages its
 * network, what a firewall lets pass. Each is a file of this folder and stands in index.ts.
 */
export interface HostKind {
  /** For the command line and for names of tests: letters, digits and dashes. */
  name: string
  /** One line for people. */
  title: string
  /** Debian packages without which it cannot be made, beside those that all tests need. */
  packages: readonly string[]
  /**
   * Debian packages that are laid over /usr and /etc of the host's space: installed, their daemons
   * would be started on the machine that runs the tests. What they depend on is in `packages`.
   */
  unpacked?: readonly string[]
  /** The simulated VM that it is made of. */
  options: AzureHostOptions
  /** Brings a fresh VM into the state; whatever it starts runs in the VM or in the space. */
  prepare(vm: AzureHost, space: PrivateSpace): Promise<PreparedHost>
}

/** What there is to test on a host beside the standard matrix. */
export interface PreparedHost {
  /** Containers that are none of ours. */
  others?: readonly OtherContainer[]
  /** Sockets of the host that the outside reaches, beside the echo service on port 7. */
  services?: readonly HostService[]
  /** Whatever else has to work on this host, at any time. */
  checks?: readonly HostCheck[]
  /** More addresses of the host, which the gateway reaches without a router between. */
  addresses?: readonly string[]
  /** What happens to such a host while pods are there. */
  events?: readonly HostEvent[]
  /** Networks to attach pods to, when not the one of the shipped list alone. */
  networks?: readonly ZooNetwork[]
  /** What this host itself forbids, whoever asks. */
  limits?: readonly HostLimit[]
  /** Lines for whoever enters the host by hand. */
  notes?: readonly string[]
  /** Ends what does not end with the VM by itself. */
  close?(): Promise<void>
}

/** A container of another runtime or plug-in; it need not run a server. */
export interface OtherContainer {
  name: string
  /** Path of its network namespace, seen from outside of the private space. */
  netns: string
  address: string
  /** Its published ports; container port 7 has a server of its own. */
  ports?: readonly PublishedPort[]
}

/** A port of the host that leads to a container. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp'
  hostPort: number
  containerPort: number
  /** An address of the host; any when left out. */
  hostIP?: string
}

/** A server of the host; the matrix starts it. */
export interface HostService {
  name: string
  protocol: 'tcp' | 'udp'
  port: number
  /** The address it listens on; any when left out. */
  address?: string
  /** Where it is asked; at the host's primary address when left out. */
  at?: string
}

/** Something that has to work on a host. */
export interface HostCheck {
  name: string
  /** Column of the table. */
  cell: Cell
  /** Rejects when it does not work, with the reason. */
  run(): Promise<unknown>
}

/** Something that happens to a host. */
export interface HostEvent {
  name: string
  /** The host is another one from then on: it cannot become as it was before. */
  lasting?: boolean
  run(): Promise<unknown>
}

/** A network that pods are attached to: changes of the shipped list. */
export interface ZooNetwork {
  /** Name of the list. */
  name?: string
  /** Fields of azure-vnet. */
  vnet?: Record<string, unknown>
  /** Fields of azure-vnet's `ipam`. */
  ipam?: Record<string, unknown>
  /** The port of the host that leads to its first pod; 8080 and so on when left out. */
  hostPort?: number
}

/** A way that the host's own settings close, with or without pods. */
export interface HostLimit {
  /** Columns of the table. */
  cell: Cell
  /** Part of a probe's name; every probe of the column when left out. */
  probe?: string
  /** The setting that closes it. */
  why: string
  /** What the log has to say of it, where it is pods or their bridge that the setting does not fit. */
  named?: RegExp
}

/** The columns of the table. */
export const CELLS = [
  'host → outside',
  'outside → host',
  'host TCP kept open',
  'services',
  'others → outside',
  'others’ ports',
  'others’ TCP kept open',
  'pod ↔ pod',
  'pod ↔ host',
  'pod ↔ VNet',
  'pod → platform',
  'pod → Internet',
  'host ports',
  'DNS',
  'MACs',
  'given back',
] as const

/** A column of the table. */
export type Cell = (typeof CELLS)[number]
