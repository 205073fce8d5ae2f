/**
 * Comparing the kernel with what is on record of a pod in bridge mode.
 */
import { hostLinkName, ownerTag } from '../../cni/spec/owner.js'
import { addressOf, familyOf } from '../../ip/index.js'
import type { Link, NetNs } from '../../netlink/index.js'
import { acceptText, planDockerUser, type DockerUser } from '../firewall/docker.js'
import { canMasquerade, planMasqueraded } from '../masquerade.js'
import type { CheckPlan, PodAddress } from '../mode.js'
import { bridgeTable, endpointsMap } from './endpoint-map.js'
import { planPortCheck } from './ports-check.js'

/** Where the kernel differs from the record, in words that name the thing: see Mode.check. */
export function checkEndpoint(host: NetNs, check: CheckPlan): string[] {
  const { sandbox, network } = check
  const mtu = readLink(host, network.nic)?.mtu
  return [
    ...(mtu === undefined ? [`interface ${network.nic} of the host is missing`] : []),
    ...outside(host, check, mtu),
    ...(sandbox ? inside(sandbox, check, mtu) : []),
  ]
}

function readLink(host: NetNs, name: string): Link | undefined {
  const plan = host.plan()
  const link = plan.link.read(name, { optional: true })
  return plan.runSync().of(link)
}

function outside(host: NetNs, check: CheckPlan, mtu: number | undefined): string[] {
  const { owner, network, addresses } = check
  const wire = hostLinkName(owner)
  const plan = host.plan()
  const links = [network.name, wire].map((name) =>
    plan.link.read(name, { optional: true }),
  )
  const ports = plan.bridgePort.dump()
  const neighbours = plan.neighbour.dump({ family: 'ipv4' })
  const elements = plan.nftables.elements(endpointsMap(network.name))
  const masqueraded = planMasqueraded(plan, bridgeTable(network.name))
  const port = planPortCheck(plan, check)
  const docker = planDockerUser(plan)
  const done = plan.runSync()
  const [bridge, outer] = links.map((ref) => done.of(ref))
  if (!bridge) return [`bridge ${network.name} is missing`]
  const found = {
    elements: new Map(done.of(elements).map((one) => [String(one.key[0]), one])),
    permanent: new Map(
      done
        .of(neighbours)
        .filter(({ link, state }) => link === bridge.index && state === 'permanent')
        .map(({ address, mac }) => [address, mac]),
    ),
    masqueraded: masqueraded(done),
  }
  const hairpin = outer && done.of(ports).get(outer.index)?.hairpin
  return [
    ...checkWire(wire, outer, { bridge, mtu, hairpin }),
    ...port(done),
    ...checkDocker(docker(done), network.name),
    ...addresses.flatMap((pod) => checkAddress(check, pod, found)),
  ]
}

function checkDocker(found: DockerUser, bridge: string): string[] {
  if (!found.exists || found.handles(bridge).length > 0) return []
  return [
    `table ip filter lacks the rule "${acceptText(bridge)}": Docker drops what ${bridge} forwards`,
  ]
}

function checkWire(
  name: string,
  link: Link | undefined,
  {
    bridge,
    mtu,
    hairpin,
  }: { bridge: Link; mtu: number | undefined; hairpin: boolean | undefined },
): string[] {
  if (!link) return [`host link ${name} is missing`]
  const what = `host link ${name}`
  return [
    ...(link.master === bridge.index ? [] : [`${what} is no port of ${bridge.name}`]),
    ...(link.up ? [] : [`${what} is down`]),
    ...differs(`MTU of ${what}`, link.mtu, mtu),
    ...(link.master !== bridge.index || hairpin
      ? []
      : [
          `port ${name} of ${bridge.name} does not send back what came in (hairpin is off)`,
        ]),
  ]
}

/** What the host's kernel has of pods, by address. */
interface FoundOutside {
  readonly elements: ReadonlyMap<
    string,
    { readonly data?: readonly unknown[]; readonly comment?: string }
  >
  readonly permanent: ReadonlyMap<string, string | undefined>
  readonly masqueraded: ReadonlySet<string>
}

function checkAddress(
  { owner, network }: CheckPlan,
  pod: PodAddress,
  { elements, permanent, masqueraded }: FoundOutside,
): string[] {
  const address = addressOf(pod.address)
  const map = `map endpoints of table bridge ${bridgeTable(network.name).name}`
  const element = elements.get(address)
  const out: string[] = []
  if (!element) {
    out.push(`${map} lacks ${address}`)
  } else {
    out.push(
      ...differs(`MAC of ${address} in ${map}`, String(element.data?.[0]), pod.mac),
    )
    out.push(
      ...differs(`owner of ${address} in ${map}`, element.comment, ownerTag(owner)),
    )
  }
  if (!permanent.has(address)) {
    out.push(`neighbour entry for ${address} on ${network.name} is missing`)
  } else {
    const mac = permanent.get(address)
    out.push(...differs(`MAC of ${address} in the neighbour table`, mac, pod.mac))
  }
  const wanted = Boolean(network.masquerade[owner.network]) && canMasquerade(address)
  if (wanted && !masqueraded.has(address)) {
    out.push(`Internet SNAT of ${address} is missing`)
  } else if (!wanted && masqueraded.has(address)) {
    out.push(`${address} has Internet SNAT that its network does not ask for`)
  }
  return out
}

function inside(
  sandbox: NetNs,
  { owner, addresses }: CheckPlan,
  mtu: number | undefined,
): string[] {
  const { ifname } = owner
  const plan = sandbox.plan()
  const found = plan.link.read(ifname, { optional: true })
  const all = plan.address.dump()
  const routes = plan.route.dump({ table: 'main' })
  const done = plan.runSync()
  const link = done.of(found)
  if (!link) return [`interface ${ifname} of the container is missing`]
  const what = `${ifname} of the container`
  const there = new Set(
    done.of(all).flatMap((one) => (one.link === link.index ? [one.address] : [])),
  )
  const families = new Set(addresses.map(({ address }) => familyOf(addressOf(address))))
  return [
    ...(link.up ? [] : [`${what} is down`]),
    ...differs(`MAC of ${what}`, link.mac, addresses[0]?.mac),
    ...differs(`MTU of ${what}`, link.mtu, mtu),
    ...addresses
      .filter(({ address }) => !there.has(address))
      .map(({ address }) => `address ${address} on ${what} is missing`),
    // Another interface of the container may have it.
    ...[...families]
      .filter(
        (family) =>
          !done.of(routes).some((one) => one.to === 'default' && one.family === family),
      )
      .map((family) => `the container has no default route (${family})`),
  ]
}

function differs<T extends string | number>(
  what: string,
  found: T | undefined,
  wanted: T | undefined,
): string[] {
  if (wanted === undefined || found === wanted) return []
  return [`${what} is ${found ?? 'none'}, not ${wanted}`]
}
