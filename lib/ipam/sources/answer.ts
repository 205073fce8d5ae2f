/**
 * What a source says, one part at a time. A platform's answer grows over the years; what is not
 * understood is passed over and reported, and the rest is used.
 */
import { canonicalAddress, canonicalMac, parsePrefix } from '../../ip/index.js'
import type { AddressInfo, InterfaceInfo, SubnetInfo } from '../types.js'

/** Gets a sentence for each part of an answer that is passed over. */
export type PassOver = (problem: string) => void

/** What the document calls the parts: `IPAddress` and its `Address`. */
export interface Names {
  readonly element: string
  readonly attribute: string
}

/** A value in a document, with its place. */
export interface Told extends Names {
  /** Undefined when the document lacks it. */
  readonly value: unknown
}

/** One NIC as a document has it. `primary` is true or false, or a text that says so. */
export interface ToldInterface {
  readonly mac: Told
  readonly primary: Told
  readonly subnets: readonly ToldSubnet[]
}

/** One subnet of a NIC as a document has it. */
export interface ToldSubnet {
  readonly prefix: Told
  readonly addresses: readonly ToldAddress[]
}

/** One address of a NIC as a document has it. */
export interface ToldAddress {
  readonly address: Told
  readonly primary: Told
}

/** The NICs of an answer, as far as they are understood. */
export function readInterfaces(
  told: readonly ToldInterface[],
  passOver: PassOver,
): InterfaceInfo[] {
  return told.flatMap((one) => readInterface(one, passOver) ?? [])
}

function readInterface(
  { mac, primary, subnets }: ToldInterface,
  passOver: PassOver,
): InterfaceInfo | undefined {
  const known = read(mac, passOver, 'is not a MAC or *', (text) =>
    text === '*' ? text : canonicalMac(text),
  )
  if (known === undefined) return undefined
  return {
    mac: known,
    // It only decides about the order of use: what is not known comes last.
    primary: readFlag(primary, passOver) ?? true,
    subnets: subnets.flatMap((subnet) => readSubnet(subnet, passOver) ?? []),
  }
}

function readSubnet(
  { prefix, addresses }: ToldSubnet,
  passOver: PassOver,
): SubnetInfo | undefined {
  const known = read(prefix, passOver, 'is not a CIDR', parsePrefix)
  if (known === undefined) return undefined
  const inside = addresses.flatMap((one): AddressInfo[] => {
    const address = read(one.address, passOver, 'is not an IP address', canonicalAddress)
    if (address === undefined) return []
    if (!known.contains(address)) {
      passOver(problemOf(one.address, `is not inside ${known.cidr}`))
      return []
    }
    // Without it the address may be the host's own, which no pod may have.
    const primary = readFlag(one.primary, passOver)
    return primary === undefined ? [] : [{ address, primary }]
  })
  return { prefix: known.cidr, addresses: inside }
}

function readFlag(told: Told, passOver: PassOver): boolean | undefined {
  return read(
    { ...told, value: typeof told.value === 'boolean' ? `${told.value}` : told.value },
    passOver,
    'is not true or false',
    (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined),
  )
}

function read<T>(
  told: Told,
  passOver: PassOver,
  problem: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const { element, attribute, value } = told
  if (value === undefined) {
    passOver(`element ${element} has no attribute ${attribute}`)
    return undefined
  }
  const parsed = typeof value === 'string' ? parse(value) : undefined
  if (parsed === undefined) passOver(problemOf(told, problem))
  return parsed
}

function problemOf({ element, attribute, value }: Told, problem: string): string {
  return `element ${element}, attribute ${attribute}: ${quote(value)} ${problem}`
}

/** A value of a document for a message, cut to a length that a line can bear. */
export function quote(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 80))
    : String(JSON.stringify(value)).slice(0, 80)
}
