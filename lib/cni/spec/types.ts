/**
 * Data of the CNI spec as the rest of the library sees it: always the newest form,
 * whatever version the caller speaks.
 */

/** A JSON object of which nothing is known yet. */
export type JsonObject = Record<string, unknown>

/** An interface that a plug-in made, on the host or in the container. */
export interface CniInterface {
  name: string
  /** `0a:58:0a:f0:00:05`. */
  mac?: string
  /** In bytes; printed from CNI 1.0.0 on. */
  mtu?: number
  /** Path of the container's namespace; absent for an interface on the host. */
  sandbox?: string
  /** Fields that this library has no name for, passed on as they came. */
  extra?: JsonObject
}

/** An address that a container got. */
export interface CniIp {
  /** With prefix length: `10.240.0.5/16`. */
  address: string
  gateway?: string
  /**
   * Position in `interfaces`; absent in the result of an IPAM plug-in. One that is none of its
   * positions counts as absent.
   */
  interface?: number
  /** Fields that this library has no name for, passed on as they came. */
  extra?: JsonObject
}

/** A route in the container. */
export interface CniRoute {
  /** With prefix length: `0.0.0.0/0`. */
  dst: string
  /** Absent: the runtime may use the gateway of an address of the same family. */
  gw?: string
  /** `mtu`, `advmss`, `priority`, `table`, `scope` of CNI 1.1.0, and what is unknown. */
  extra?: JsonObject
}

/** Settings of the resolver. */
export interface CniDns {
  nameservers?: string[]
  domain?: string
  search?: string[]
  options?: string[]
}

/** The result of ADD ("Result Types" in SPEC.md). */
export interface CniResult {
  interfaces?: CniInterface[]
  ips?: CniIp[]
  routes?: CniRoute[]
  dns?: CniDns
  /** Fields that this library has no name for, passed on as they came. */
  extra?: JsonObject
}

/**
 * The network config on stdin ("Network configuration format" in SPEC.md). Only `name` and
 * `cniVersion` are checked by the dispatcher; read the rest with `ConfigReader`.
 */
export interface NetConf {
  [key: string]: unknown
  cniVersion: string
  name: string
  type?: unknown
  prevResult?: unknown
  ipam?: unknown
  dns?: unknown
  /** What the runtime supplies for the declared capabilities. */
  runtimeConfig?: unknown
  args?: unknown
  /** `debug`, `info` (the default), `warn` or `error`. */
  logLevel?: unknown
}

/** A host port that leads into a container (the capability `portMappings`). */
export interface PortMapping {
  hostPort: number
  containerPort: number
  protocol: 'tcp' | 'udp' | 'sctp'
  /** Absent: every address of the host. */
  hostIP?: string
}

/** The verbs that reach a plug-in's handler ("CNI operations" in SPEC.md). */
export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS'
