/**
 * What is remembered of this node: the networks that its pods are on, and what is attached.
 */
import type { Owner } from '../cni/spec/owner.js'
import type { CallId } from '../host/process-id.js'
import type { PortsRecord } from '../portmap/backend.js'
import type { HostNetwork, ModeName, PodAddress } from '../vnet/index.js'

/**
 * An attachment whose ADD has not ended. It is written down before anything is asked for, so that
 * whatever a crash leaves has an owner; a record of a dead call is cleaned up by the next ADD.
 */
export interface AddingRecord {
  readonly phase: 'adding'
  readonly owner: Owner
  /** The call that adds it, or that takes away what such a call left. */
  readonly adder: CallId
}

/** A container's namespace, so that it is known again. */
export interface SandboxIdentity {
  /** Where it was opened. */
  readonly path: string
  /** Device and number of its file, which tell namespaces apart (namespaces(7)). */
  readonly dev: number
  readonly ino: number
}

/** A pod as its orchestrator names it: it outlives its containers. */
export interface PodIdentity {
  readonly uid?: string | undefined
  /** `namespace/name`. */
  readonly name?: string | undefined
}

/** An attachment. */
export interface ReadyRecord {
  readonly phase: 'ready'
  readonly owner: Owner
  /** How it was attached; absent when another main plug-in did it and we have its ports alone. */
  readonly mode?: ModeName | undefined
  /** Name of the host network that it is on. */
  readonly network?: string | undefined
  readonly addresses: readonly PodAddress[]
  readonly links: {
    /** Name of the host's end of the wire. */
    readonly host?: string | undefined
  }
  /** The IPAM plug-in that gave the addresses. */
  readonly ipam?: string | undefined
  /** Absent in records of older versions. */
  readonly sandbox?: SandboxIdentity | undefined
  readonly pod?: PodIdentity | undefined
  /** The host ports that lead to it. */
  ports?: PortsRecord | undefined
  /** The call that takes it away, or that died at it: see `detach`. */
  taker?: CallId | undefined
}

/** What is remembered of an attachment. */
export type AttachmentRecord = AddingRecord | ReadyRecord

/** The document. */
export interface NodeState {
  /** By name. */
  networks: Record<string, HostNetwork>
  /** By ownerKey. */
  attachments: Record<string, AttachmentRecord>
}
