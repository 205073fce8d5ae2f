import type { HostNic, InterfaceInfo, Source } from '../../../dist/esm/ipam/types.js'
export declare const nic: HostNic
export declare const nic2: HostNic
export declare function interfaceOf(
  prefix: string,
  first: number,
  last: number,
  options?: { mac?: string; primary?: boolean },
): InterfaceInfo
export declare function sourceOf(
  ...answers: (InterfaceInfo[] | Error)[]
): Source & { fetches: number }
