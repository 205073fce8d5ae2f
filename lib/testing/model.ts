/**
 * What the fake kernel keeps, and how its parts refuse.
 */
import type { WireEvent } from '../binding.js'

/** Arguments, objects and answers in the addon's form. */
export type Fields = { [key: string]: any }

/** Errnos that the fake answers with (asm-generic/errno.h). */
export const E = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ERESTART: 85,
  EOPNOTSUPP: 95,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOTCONN: 107,
  EHOSTUNREACH: 113,
} as const

/** How a part of the fake says no; the runner turns it into the step's failure. */
export class Refusal {
  constructor(
    readonly errno: number,
    readonly extAck = '',
    readonly syscall = '',
    readonly attribute = '',
  ) {}
}

/** Ends the step with an errno. */
export function refuse(errno: number, extAck = '', syscall = ''): never {
  // The runner catches it; it never leaves the fake.
  // oxlint-disable-next-line no-throw-literal
  throw new Refusal(errno, extAck, syscall)
}

/** A link of the model. */
export interface FakeLink {
  index: number
  name: string
  mac: string
  mtu: number
  flags: number
  group: number
  kind?: string
  alias?: string
  altNames: string[]
  master?: number
  /** The other end of a veth pair. */
  peer?: { ns: FakeNamespace; link: FakeLink }
  /** IFLA_BRPORT_* by the addon's names. */
  port: Fields
  data: Fields
}

/** A table of nftables with all that it holds. */
export interface FakeTable {
  fields: Fields
  chains: Map<string, { fields: Fields; rules: Fields[] }>
  sets: Map<string, { fields: Fields; elements: Map<string, Fields> }>
}

/** The ruleset of a namespace; a transaction works on a copy. */
export interface FakeRuleset {
  tables: Map<string, FakeTable>
  generation: number
  nextHandle: number
}

/** All that one namespace of the fake holds. */
export class FakeNamespace {
  readonly links: FakeLink[] = []
  addresses: Fields[] = []
  routes: Fields[] = []
  neighbours: Fields[] = []
  rules: Fields[] = []
  nextHops: Fields[] = []
  readonly sysctls = new Map<string, string>()
  ruleset: FakeRuleset = { tables: new Map(), generation: 1, nextHandle: 1 }
  readonly watchers = new Set<(event: WireEvent) => void>()
  #nextIndex = 2

  constructor(readonly inode: number) {
    this.links.push({
      index: 1,
      name: 'lo',
      mac: '00:00:00:00:00:00',
      mtu: 65536,
      flags: 0x8,
      group: 0,
      altNames: [],
      port: {},
      data: {},
    })
  }

  takeIndex(): number {
    return this.#nextIndex++
  }

  /** The link that `index`, `name` or `altName` means. ENODEV when there is none. */
  link(args: Fields): FakeLink {
    const found = args['index']
      ? this.links.find((l) => l.index === args['index'])
      : this.named(args['name'] ?? args['altName'])
    return found ?? refuse(E.ENODEV)
  }

  /** The link that has the name, as its own or an alternative one. */
  named(name: string): FakeLink | undefined {
    return this.links.find((l) => l.name === name || l.altNames.includes(name))
  }

  tell(kind: string, change: 'new' | 'del', value: Fields, object = kind): void {
    for (const watcher of this.watchers) watcher({ kind, change, object, value })
  }
}
