/**
 * Reads the wire server's list of NICs. Loaded only when there is an answer to read.
 *
 *     <Interfaces>
 *       <Interface MacAddress="000D3A12AB34" IsPrimary="true">
 *         <IPSubnet Prefix="10.0.0.0/24">
 *           <IPAddress Address="10.0.0.4" IsPrimary="true"/>
 *           <IPAddress Address="10.0.0.5" IsPrimary="false"/>
 */
import { XMLParser } from 'fast-xml-parser'
import { canonicalAddress, canonicalMac, parsePrefix } from '../../ip/index.js'
import { SourceError } from '../errors.js'
import type { AddressInfo, InterfaceInfo, SubnetInfo } from '../types.js'

type Element = Readonly<Record<string, unknown>>

const LISTS = new Set(['Interface', 'IPSubnet', 'IPAddress'])
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  isArray: (name, _path, _leaf, isAttribute) => !isAttribute && LISTS.has(name),
})

class Unreadable extends Error {}

/**
 * The NICs in a wire server's answer. `who` stands in front of messages. Throws SourceError
 * of kind `invalid` that names the element, the attribute and its value.
 */
export function parseInterfaces(xml: string, who = 'wireserver'): InterfaceInfo[] {
  try {
    return children(rootOf(xml), 'Interface').map(readInterface)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const problem = `${who} gave an answer that cannot be used: ${error.message}`
    throw new SourceError('invalid', 'wireserver', problem, 'check what answers there')
  }
}

function rootOf(xml: string): Element {
  // The answer has no use for one, and entities are how XML does harm.
  if (/<!DOCTYPE/i.test(xml)) throw new Unreadable('it has a DOCTYPE')
  let document: Element
  try {
    document = parser.parse(xml, true)
  } catch (error) {
    throw new Unreadable(`it is not XML: ${(error as Error).message}`)
  }
  const names = Object.keys(document)
  if (names.length !== 1 || names[0] !== 'Interfaces') {
    throw new Unreadable(`its root is ${quote(names.join(' '))}, not "Interfaces"`)
  }
  return asElement(document.Interfaces, 'Interfaces')
}

function readInterface(element: Element): InterfaceInfo {
  const mac = attribute(element, 'Interface', 'MacAddress')
  const known = mac === '*' ? mac : canonicalMac(mac)
  if (known === undefined)
    throw wrong('Interface', 'MacAddress', mac, 'is not a MAC or *')
  return {
    mac: known,
    primary: flag(element, 'Interface', 'IsPrimary'),
    subnets: children(element, 'IPSubnet').map(readSubnet),
  }
}

function readSubnet(element: Element): SubnetInfo {
  const text = attribute(element, 'IPSubnet', 'Prefix')
  const prefix = parsePrefix(text)
  if (!prefix) throw wrong('IPSubnet', 'Prefix', text, 'is not a CIDR')
  const addresses = children(element, 'IPAddress').map(readAddress)
  const stray = addresses.find(({ address }) => !prefix.contains(address))
  if (stray) {
    throw wrong('IPAddress', 'Address', stray.address, `is not inside ${prefix.cidr}`)
  }
  return { prefix: prefix.cidr, addresses }
}

function readAddress(element: Element): AddressInfo {
  const text = attribute(element, 'IPAddress', 'Address')
  const address = canonicalAddress(text)
  if (address === undefined) {
    throw wrong('IPAddress', 'Address', text, 'is not an IP address')
  }
  return { address, primary: flag(element, 'IPAddress', 'IsPrimary') }
}

function children(element: Element, name: string): Element[] {
  const list = (element[name] ?? []) as unknown[]
  return list.map((child) => asElement(child, name))
}

// The parser gives the text of an element that has neither attributes nor children.
function asElement(value: unknown, name: string): Element {
  if (value === '') return {}
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Element
  }
  throw new Unreadable(
    `element ${name} ${Array.isArray(value) ? 'is repeated' : 'is text'}`,
  )
}

function attribute(element: Element, name: string, key: string): string {
  const value = element[`@${key}`]
  if (typeof value === 'string') return value
  throw new Unreadable(`element ${name} has no attribute ${key}`)
}

function flag(element: Element, name: string, key: string): boolean {
  const value = attribute(element, name, key)
  if (!/^(true|false)$/i.test(value))
    throw wrong(name, key, value, 'is not true or false')
  return value.toLowerCase() === 'true'
}

function wrong(name: string, key: string, value: string, what: string): Unreadable {
  return new Unreadable(`element ${name}, attribute ${key}: ${quote(value)} ${what}`)
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
