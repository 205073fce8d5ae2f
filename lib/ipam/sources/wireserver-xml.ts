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
import { SourceError } from '../errors.js'
import type { InterfaceInfo } from '../types.js'
import {
  quote,
  readInterfaces,
  type PassOver,
  type Told,
  type ToldAddress,
  type ToldInterface,
  type ToldSubnet,
} from './answer.js'

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

/** Lines that one answer may add to the log. */
const MAX_PROBLEMS = 32

class Unreadable extends Error {}

/**
 * The NICs in a wire server's answer. `who` stands in front of messages; `passOver` gets a sentence
 * for each element that is not used, with its attribute and value. Throws SourceError of kind
 * `invalid` when it is no such document, or when not one address in it can be used.
 */
export function parseInterfaces(
  xml: string,
  who = 'wireserver',
  passOver: PassOver = () => undefined,
): InterfaceInfo[] {
  const problems: string[] = []
  try {
    const note = (problem: string) => void problems.push(problem)
    const interfaces = readInterfaces(interfacesOf(rootOf(xml), note), note)
    const isUsable = interfaces.some(({ subnets }) =>
      subnets.some(({ addresses }) => addresses.length > 0),
    )
    // An answer without one usable address would replace the last good one, which serves better.
    if (problems.length > 0 && !isUsable) throw new Unreadable(problems.join('; '))
    for (const problem of problems.slice(0, MAX_PROBLEMS)) passOver(problem)
    const more = problems.length - MAX_PROBLEMS
    if (more > 0) passOver(`${more} more elements`)
    return interfaces
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const why = error.message.slice(0, 400)
    const problem = `${who} gave an answer that cannot be used: ${why}`
    throw new SourceError('invalid', 'wireserver', problem, 'check what answers there')
  }
}

function rootOf(xml: string): Element {
  // The real answer has none; entities declared in one could make a small text very large.
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
  const root = document.Interfaces
  if (Array.isArray(root)) throw new Unreadable('element Interfaces is repeated')
  if (typeof root === 'string' && root !== '') {
    throw new Unreadable('element Interfaces is text')
  }
  return asElement(root)
}

function interfacesOf(root: Element, passOver: PassOver): ToldInterface[] {
  return children(root, 'Interfaces', 'Interface', passOver).map((element) => ({
    mac: told(element, 'Interface', 'MacAddress'),
    primary: told(element, 'Interface', 'IsPrimary'),
    subnets: subnetsOf(element, passOver),
  }))
}

function subnetsOf(element: Element, passOver: PassOver): ToldSubnet[] {
  return children(element, 'Interface', 'IPSubnet', passOver).map((subnet) => ({
    prefix: told(subnet, 'IPSubnet', 'Prefix'),
    addresses: addressesOf(subnet, passOver),
  }))
}

function addressesOf(element: Element, passOver: PassOver): ToldAddress[] {
  return children(element, 'IPSubnet', 'IPAddress', passOver).map((address) => {
    noChildren(address, 'IPAddress', passOver)
    return {
      address: told(address, 'IPAddress', 'Address'),
      primary: told(address, 'IPAddress', 'IsPrimary'),
    }
  })
}

/** The elements of a name inside another one; others in there are passed over. */
function children(
  parent: Element,
  parentName: string,
  name: string,
  passOver: PassOver,
): Element[] {
  const { [name]: wanted = [], ...others } = parent
  noChildren(others, parentName, passOver)
  return (wanted as unknown[]).map(asElement)
}

// Unknown attributes are let be: the element itself is understood.
function noChildren(element: Element, name: string, passOver: PassOver): void {
  for (const [key, value] of Object.entries(element)) {
    if (key === '#text') passOver(`element ${name} holds the text ${quote(value)}`)
    else if (!key.startsWith('@')) {
      passOver(`element ${name} holds ${key}, which is not known: ${quote(value)}`)
    }
  }
}

// The parser gives the text of an element that has neither attributes nor children.
function asElement(value: unknown): Element {
  if (typeof value === 'object' && value !== null) return value as Element
  return value === '' ? {} : { '#text': value }
}

function told(parent: Element, element: string, attribute: string): Told {
  return { element, attribute, value: parent[`@${attribute}`] }
}
