/**
 * What the host's nftables rules would do to pods, found beforehand: chains that drop what the bridge
 * forwards, and rules that name the NIC, whose packets come and go by the bridge once there is one.
 * iptables of the legacy kind is not seen here.
 */
import {
  ERRNO,
  type Done,
  type Link,
  type NetNs,
  type Plan,
} from '../../netlink/index.js'
import {
  hostOrder,
  ifname,
  nftFamilies,
  type ChainInfo,
  type NftFamily,
  type RuleInfo,
  type SetInfo,
} from '../../nft/index.js'
import { verdictToWire } from '../../nft/verdict.js'
import { judge, walk, type Fate, type Keys, type Packet, type Ruleset } from './walk.js'

/** Something that is wrong with the host's firewall for pods. */
export interface Finding {
  /** What it is, by name. */
  readonly message: string
  /** The command that mends it. */
  readonly cure: string
  /** False where the rules cannot be judged beforehand. */
  readonly certain: boolean
  /** Whether it drops bridged packets too, where those pass the host's chains. */
  readonly cutsOff: boolean
}

/** Where pods are: the bridge, which need not be there yet, and the NIC beneath it. */
export interface Place {
  readonly bridge: string
  readonly bridgeIndex?: number | undefined
  readonly nic: Pick<Link, 'name' | 'index'>
}

/** Families whose chains see what the host receives and forwards as IPv4. */
const FAMILIES: readonly NftFamily[] = ['ip', 'inet']
const OURS = 'azure_vnet_'
/** NF_CT_STATE_BIT(IP_CT_NEW), linux/netfilter/nf_conntrack_common.h */
const NEW = 8
const TCP = Uint8Array.of(6)

/** Looks at the ruleset as a whole. */
export function firewallFindings(host: NetNs, place: Place): Finding[] {
  const { chains, rulesets } = readRulesets(host)
  return chains.flatMap((chain) => {
    const ruleset = rulesets.get(`${chain.family} ${chain.table}`)
    if (!ruleset) return []
    return [...cutOff(chain, ruleset, place), ...named(chain, ruleset, place)]
  })
}

/** Asks in a plan for what tells that a firewall is another than it was; cheap. */
export function planPrint(plan: Plan): (done: Done) => string {
  const tables = plan.nftables.tables()
  const forward = plan.raw<{ policy?: number; use?: number }>(
    'nft.chain.get',
    { family: nftFamilies.ip, table: 'filter', name: 'FORWARD' },
    { accept: [ERRNO.ENOENT] },
  )
  return (done) => {
    const others = done.of(tables).filter(({ name }) => !name.startsWith(OURS))
    const names = others.map(({ family, name, handle }) => `${family} ${name} ${handle}`)
    const { policy = '', use = '' } = done.of(forward) ?? {}
    return [...names.toSorted(), `${policy} ${use}`].join('; ')
  }
}

// What is translated passes by other rules than the rest: firewalls let it through by its state.
/** IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h), or nothing that a rule would ask for. */
const WAYS = [
  { what: 'host ports', status: 0x20 },
  { what: 'Internet SNAT', status: 0 },
] as const

function cutOff(chain: ChainInfo, ruleset: Ruleset, place: Place): Finding[] {
  if (chain.hook !== 'forward' || chain.type !== 'filter') return []
  const dropped = WAYS.flatMap(({ what, status }) => {
    const { fate, mayAccept } = walk(ruleset, chain.name, passing(place, status))
    const end = fate === 'goes on' ? (chain.policy ?? 'accept') : fate
    return end === 'drop' ? [{ what, certain: !mayAccept, isPlain: status === 0 }] : []
  })
  const certain = dropped.filter((one) => one.certain)
  const said = certain.length > 0 ? certain : dropped
  if (said.length === 0) return []
  const isPlain = said.some((one) => one.isPlain)
  const rest = ', and all of their traffic where net.bridge.bridge-nf-call-iptables is 1'
  const verb = certain.length > 0 ? 'drops' : 'may drop'
  return [
    {
      message:
        `firewall: ${nameOf(chain)} ${verb} what ${place.bridge} forwards: ` +
        `${said.map(({ what }) => what).join(' and ')} of containers${isPlain ? rest : ''}`,
      cure: acceptCommand(chain, ruleset, place.bridge),
      certain: certain.length > 0,
      cutsOff: isPlain,
    },
  ]
}

// A new TCP connection that comes in by the bridge and leaves by it.
function passing({ bridge, bridgeIndex }: Place, status: number): Packet {
  return {
    ...links('both', bridge, bridgeIndex),
    'meta:1': Uint8Array.of(0x08, 0x00),
    'meta:15': Uint8Array.of(2),
    'meta:16': TCP,
    'payload:1:9:1': TCP,
    'ct:0': hostOrder(NEW),
    'ct:2': hostOrder(status),
  }
}

function links(side: 'in' | 'out' | 'both', name: string, index?: number): Packet {
  const known = index === undefined ? undefined : hostOrder(index)
  return {
    ...(side !== 'out' && { 'meta:6': ifname(name), ...(known && { 'meta:4': known }) }),
    ...(side !== 'in' && { 'meta:7': ifname(name), ...(known && { 'meta:5': known }) }),
  }
}

const NO_INDEX = 0xffffffff

// Rules that hold for the NIC and not for the bridge; where others name the bridge, somebody has
// seen to it.
function named(chain: ChainInfo, ruleset: Ruleset, place: Place): Finding[] {
  const { bridge, bridgeIndex = NO_INDEX, nic } = place
  let count = 0
  for (const { expressions } of ruleset.rules.get(chain.name) ?? []) {
    for (const side of ['in', 'out'] as const) {
      const holds = (name: string, index: number) =>
        judge(expressions, ruleset, links(side, name, index)).holds
      const byNic = holds(nic.name, nic.index) !== false
      const byBridge = holds(bridge, bridgeIndex) !== false
      if (byBridge && !byNic) return []
      if (byNic && !byBridge) count++
    }
  }
  if (count === 0) return []
  const rules = count === 1 ? 'a rule' : `${count} rules`
  return [
    {
      message:
        `firewall: ${nameOf(chain)} has ${rules} for ${nic.name} that do not fit ${bridge}, by ` +
        'which its packets come and go once containers are attached',
      cure: `Name ${bridge} there beside ${nic.name}: iifname { "${nic.name}", "${bridge}" }.`,
      certain: true,
      cutsOff: false,
    },
  ]
}

const nameOf = ({ family, table, name }: ChainInfo) =>
  `chain ${name} of table ${family} ${table}`

function acceptCommand(
  { family, table, name }: ChainInfo,
  { rules }: Ruleset,
  bridge: string,
) {
  const both = `-i ${bridge} -o ${bridge} -j ACCEPT`
  if (table === 'firewalld') {
    const change = `--permanent --zone=trusted --add-interface=${bridge}`
    return `Run "firewall-cmd ${change}" and "firewall-cmd --reload".`
  }
  if (family === 'ip' && table === 'filter' && name === 'FORWARD') {
    return rules.has('ufw-before-forward')
      ? `Run "ufw route allow in on ${bridge} out on ${bridge}".`
      : `Run "iptables -I FORWARD ${both}".`
  }
  const match = `iifname "${bridge}" oifname "${bridge}" accept`
  return `Run 'nft insert rule ${family} ${table} ${name} ${match}', and put it into the file.`
}

interface Read {
  /** All chains of foreign tables. */
  readonly chains: readonly ChainInfo[]
  /** By `family table`. */
  readonly rulesets: ReadonlyMap<string, Ruleset>
}

function readRulesets(host: NetNs): Read {
  const plan = host.plan()
  const dumps = FAMILIES.map((family) => ({
    chains: plan.nftables.chains({ family }),
    rules: plan.nftables.rules({ family }),
    sets: plan.nftables.sets({ family }),
  }))
  const done = plan.runSync()
  const foreign = <T extends { table: string }>(all: readonly T[]) =>
    all.filter(({ table }) => !table.startsWith(OURS))
  const chains = dumps.flatMap((dump) => foreign(done.of(dump.chains)))
  const rules = dumps.flatMap((dump) => foreign(done.of(dump.rules)))
  const sets = readKeys(
    host,
    dumps.flatMap((dump) => foreign(done.of(dump.sets))),
    rules,
  )
  const tables = new Set(chains.map(({ family, table }) => `${family} ${table}`))
  return {
    chains,
    rulesets: new Map(
      [...tables].map((table) => [table, rulesetOf(table, chains, rules, sets)]),
    ),
  }
}

function rulesetOf(
  of: string,
  chains: readonly ChainInfo[],
  rules: readonly RuleInfo[],
  sets: ReadonlyMap<string, Keys>,
): Ruleset {
  const own = rules.filter(({ family, table }) => `${family} ${table}` === of)
  const byChain = new Map<string, RuleInfo[]>()
  for (const { family, table, name } of chains) {
    if (`${family} ${table}` === of) byChain.set(name, [])
  }
  for (const rule of own) byChain.get(rule.chain)?.push(rule)
  const prefix = `${of} `
  const keys = [...sets].flatMap(([name, found]): [string, Keys][] =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), found]] : [],
  )
  // Docker's own place for what shall pass: we see to it (docker.ts).
  const isDocker = of === 'ip filter' && byChain.has('DOCKER-USER')
  const settled = new Map<string, Fate>(isDocker ? [['DOCKER-USER', 'accept']] : [])
  return { rules: byChain, sets: new Map(keys), settled }
}

// Sets of single values alone: what a range or a concatenation holds is not judged.
function readKeys(
  host: NetNs,
  sets: readonly SetInfo[],
  rules: readonly RuleInfo[],
): Map<string, Keys> {
  const used = new Set(
    rules.flatMap(({ family, table, expressions }) =>
      expressions.map(({ data }) => `${family} ${table} ${String(data?.['set'])}`),
    ),
  )
  const wanted = sets.filter(
    (set) =>
      used.has(`${set.family} ${set.table} ${set.name}`) &&
      set.key.length <= 1 &&
      !set.interval &&
      !set.dynamic,
  )
  const plan = host.plan()
  const dumps = wanted.map((set) => plan.nftables.elements(set))
  const done = plan.runSync()
  return new Map(
    wanted.map((set, i) => [
      `${set.family} ${set.table} ${set.name}`,
      new Map(
        done
          .of(dumps[i]!)
          .map(({ keyBytes, verdict }) => [
            Buffer.from(keyBytes).toString('hex'),
            verdict && verdictToWire(verdict),
          ]),
      ),
    ]),
  )
}
