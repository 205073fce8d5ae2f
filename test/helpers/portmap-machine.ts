/** A fake machine with a bridge to pods, and looks at its host ports. */
import { Transaction, type SetDef, type SetElement } from '../../dist/esm/index.js'
import type { Mapping, PortsRecord } from '../../dist/esm/portmap/index.js'
import { portBackend, type PortBackend } from '../../dist/esm/portmap/index.js'
import {
  POD_LINKS,
  PORT_MAPS,
  SNAT_PODS,
  TABLE,
} from '../../dist/esm/portmap/nft/table.js'
import { FakeMachine } from './fake-host.js'

/** Name of the bridge that leads to pods. */
export const BRIDGE = 'azure0'

/** What is looked at after each call. */
export class PortmapMachine extends FakeMachine {
  constructor(
    readonly backend: PortBackend,
    folder?: string,
  ) {
    super(folder)
    const plan = this.host.plan()
    const bridge = plan.link.add({ kind: 'bridge', name: BRIDGE, up: true })
    plan.address.add({ link: bridge, address: '10.240.0.4/16' })
    // As azure-vnet leaves it.
    plan.sysctl.set(`net/ipv4/conf/${BRIDGE}/forwarding`, '1')
    plan.runSync()
  }

  /** Elements of owners: `any_address 6,8080 → 10.240.0.5,80 (net/a/eth0)`. */
  elements(): string[] {
    const sets = [...PORT_MAPS, SNAT_PODS]
    const lines = sets.flatMap((set) =>
      this.#read(set).map(({ key, data, comment }) => {
        const to = data ? ` → ${data.join(',')}` : ''
        return `${set.name} ${key.join(',')}${to} (${comment})`
      }),
    )
    return lines.toSorted()
  }

  /** Links that are known to lead to pods. */
  links(): string[] {
    return this.#read(POD_LINKS).map(({ key }) => String(key[0]))
  }

  #read(set: SetDef): readonly SetElement[] {
    const plan = this.host.plan()
    const elements = plan.nftables.elements(set)
    return plan.runSync().of(elements)
  }

  /** Whether there is the table. */
  hasTable(): boolean {
    const plan = this.host.plan()
    const tables = plan.nftables.tables()
    return plan
      .runSync()
      .of(tables)
      .some(({ name }) => name === TABLE.name)
  }

  /** The switch of a link that opens it for 127.0.0.0/8. */
  routeLocalnet(link = BRIDGE): string {
    const plan = this.host.plan()
    const value = plan.sysctl.get(`net/ipv4/conf/${link}/route_localnet`)
    return plan.runSync().of(value)
  }

  /** Sets that switch. */
  setRouteLocalnet(value: string, link = BRIDGE): void {
    const plan = this.host.plan()
    plan.sysctl.set(`net/ipv4/conf/${link}/route_localnet`, value)
    plan.runSync()
  }

  /** What a firewall's reload does: takes the tables of all. */
  flushRuleset(): void {
    this.commit(new Transaction().deleteTable(TABLE))
  }

  /** Commits a transaction. */
  commit(tx: Transaction): void {
    const plan = this.host.plan()
    plan.nftables.commit(tx)
    plan.runSync()
  }

  /** How many transactions were committed, or refused, since the last reset. */
  commits(): number {
    return this.kernel.steps.filter(({ op }) => op === 'nft.batch').length
  }
}

/** A machine of the back-end that there is. */
export async function portmapMachine(): Promise<PortmapMachine> {
  return new PortmapMachine(await portBackend())
}

/** A mapping to port 80. */
export function tcp(hostPort: number, more: Partial<Mapping> = {}): Mapping {
  return { protocol: 'tcp', hostPort, containerPort: 80, hostAddress: undefined, ...more }
}

/** Ports of the pod 10.240.0.<host>. */
export function portsOf(
  host: number,
  mappings: readonly Mapping[],
  snat = true,
): PortsRecord {
  return { pod: `10.240.0.${host}`, mappings, snat }
}
