/** What tests look at though the package tells nobody of it. */
import type { NativeNetNs } from '../../dist/esm/binding.js'
import type { NetNs, Transaction, Wire } from '../../dist/esm/index.js'

/** The addon's handle behind a namespace. */
export function nativeHandle(ns: NetNs): NativeNetNs {
  return (ns as unknown as { readonly native: NativeNetNs }).native
}

/** A transaction in the addon's form. */
export function transactionToWire(tx: Transaction): { [key: string]: Wire } {
  return (tx as unknown as { toWire(): { [key: string]: Wire } }).toWire()
}
