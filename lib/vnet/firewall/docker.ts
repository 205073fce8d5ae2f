/**
 * Docker drops what the host forwards, and pods' traffic with it where it passes the host: host ports,
 * Internet SNAT, and with `bridge-nf-call-iptables` all of it. `DOCKER-USER` is the chain that Docker's
 * documentation gives for what shall pass nevertheless; it leaves the rules there alone.
 *
 * Our rule is in the very form that iptables-nft writes and reads, for Docker and people work on the
 * chain with that. It lets through what stays on the bridge and no more: what comes by the bridge for
 * a container of Docker's is for Docker to judge.
 */
import { ERRNO, type Done, type NetNs, type Plan } from '../../netlink/index.js'
import {
  counter,
  eq,
  field,
  nftFamilies,
  Transaction,
  verdict,
  type Expr,
  type FieldDef,
  type RuleInfo,
} from '../../nft/index.js'

const TABLE = { family: 'ip', table: 'filter' } as const
const CHAIN = 'DOCKER-USER'

/** The rule as `iptables` takes and shows it, behind `-I` or `-A`. */
export function acceptText(bridge: string): string {
  return `${CHAIN} -i ${bridge} -o ${bridge} -j ACCEPT`
}

// iptables compares the name and the NUL behind it, where nft compares all 16 bytes.
function isLink(direction: FieldDef, bridge: string): Expr[] {
  return eq(direction, Buffer.from(`${bridge}\0`))
}

function accept(bridge: string): Expr[] {
  return [
    ...isLink(field.iifname, bridge),
    ...isLink(field.oifname, bridge),
    counter(),
    verdict('accept'),
  ]
}

/** Whether the chain is there, and what has our form in it. */
export interface DockerUser {
  /** Whether Docker lets others say what passes. */
  readonly exists: boolean
  /** Handles of the rules that let a bridge's traffic through. */
  handles(bridge: string): number[]
}

/** Asks in a plan for the chain; answers with how to get at it. */
export function planDockerUser(plan: Plan): (done: Done) => DockerUser {
  const chain = plan.raw<unknown>(
    'nft.chain.get',
    { family: nftFamilies[TABLE.family], table: TABLE.table, name: CHAIN },
    { accept: [ERRNO.ENOENT] },
  )
  const rules = plan.nftables.rules({ ...TABLE, chain: CHAIN })
  return (done) => ({
    exists: done.of(chain) !== undefined,
    handles(bridge) {
      const wanted = shapeOf(accept(bridge))
      const found = done.of(rules).filter((rule) => shapeOf(rule.expressions) === wanted)
      return found.map(({ handle }) => handle)
    },
  })
}

/** What a rule says, whatever it has counted and by way of which registers. */
function shapeOf(expressions: RuleInfo['expressions']): string {
  const said = expressions.map(({ expr, data = {} }) => {
    const { data: inner } = data as { data?: { value?: Uint8Array; verdict?: object } }
    const value = inner?.value && Buffer.from(inner.value).toString('hex')
    return [expr, data['key'], data['op'], value, JSON.stringify(inner?.verdict)]
  })
  return JSON.stringify(said.filter(([expr]) => expr !== 'counter'))
}

/** Reads the chain. */
export function readDockerUser(host: NetNs): DockerUser {
  const plan = host.plan()
  const found = planDockerUser(plan)
  return found(plan.runSync())
}

/** Adds to a plan what lets a bridge's traffic through; nothing where it is, or without Docker. */
export function planAccept(plan: Plan, found: DockerUser, bridge: string): void {
  if (!found.exists || found.handles(bridge).length > 0) return
  // At the start: what is appended would stand behind Docker's own RETURN.
  const tx = new Transaction().insertRule({
    ...TABLE,
    chain: CHAIN,
    expressions: accept(bridge),
  })
  // Docker may be on its way out.
  plan.nftables.commit(tx, { accept: [ERRNO.ENOENT] })
}

/** Adds to a plan what takes it away again. */
export function planNoAccept(plan: Plan, found: DockerUser, bridge: string): void {
  for (const handle of found.handles(bridge)) {
    const tx = new Transaction().deleteRule({ ...TABLE, chain: CHAIN, handle })
    plan.nftables.commit(tx, { accept: [ERRNO.ENOENT] })
  }
}
