/**
 * What plans need of a network namespace.
 */
import type { Backend, NativeNetNs } from '../../binding.js'

/** An open network namespace, as `NetNs` makes them. */
export interface NamespaceHandle {
  /** The descriptor of the namespace file. */
  readonly fd: number
  /** True when both handles are of one namespace. */
  equals(other: NamespaceHandle): boolean
  /** @internal The addon's handle. */
  readonly native: NativeNetNs
  /** @internal What runs plans in it: the kernel, or the fake of `vnet-cni/testing`. */
  readonly backend: Backend
}
