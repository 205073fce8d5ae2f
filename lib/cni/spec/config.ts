/**
 * Reads a network config field by field; whatever is wrong becomes an error of code 7 that
 * names the dotted path of the field, the value and the cure.
 */
import { familyOf, parseCidr, parseMac } from '../../ip/index.js'
import { invalidConfig } from './errors.js'
import type { JsonObject } from './types.js'

/** A kind of value: tells a fitting one, and says in an error what would fit. */
interface Kind<T> {
  cure: string
  fits: (value: unknown) => value is T
}

/** Limits of an integer, both included. */
export interface IntRange {
  min?: number
  max?: number
}

/** True for a JSON object: neither array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isString = (value: unknown): value is string => typeof value === 'string'
const text = (cure: string, fits: (value: string) => boolean): Kind<string> => ({
  cure,
  fits: (value): value is string => isString(value) && fits(value),
})

const aString = text('use a string that is not empty', (value) => value !== '')
const aBoolean: Kind<boolean> = {
  cure: 'use true or false, without quotes',
  fits: (value) => typeof value === 'boolean',
}
const anIp = text(
  'use an IP address, 10.0.0.5 or fd00::5',
  (value) => familyOf(value) !== undefined,
)
const aCidr = text(
  'use an address with prefix length, 10.0.0.0/24 or fd00::/64',
  (value) => parseCidr(value) !== undefined,
)
const aMac = text(
  'use a MAC address, 0a:58:0a:f0:00:05',
  (value) => parseMac(value) !== undefined,
)
const anObject: Kind<JsonObject> = { cure: 'use an object, { ... }', fits: isObject }
const anArray: Kind<unknown[]> = { cure: 'use a list, [ ... ]', fits: Array.isArray }

function oneOf<T extends string>(values: readonly T[]): Kind<T> {
  const cure = `use one of ${values.map((value) => `"${value}"`).join(', ')}`
  return { cure, fits: (value): value is T => values.some((known) => known === value) }
}

function integer({ min, max }: IntRange): Kind<number> {
  const limits = [min !== undefined && `from ${min}`, max !== undefined && `to ${max}`]
  return {
    cure: ['use a whole number', ...limits].filter(Boolean).join(' '),
    fits: (value): value is number =>
      Number.isSafeInteger(value) &&
      (value as number) >= (min ?? -Infinity) &&
      (value as number) <= (max ?? Infinity),
  }
}

/**
 * A view on one object of a parsed config. Methods named `optional...` give undefined for a
 * field that is absent or null; the others throw for it. Lists that are absent are empty.
 */
export class ConfigReader {
  /** The object that is read. */
  readonly json: JsonObject
  /** Dotted path of the object in the config; empty at the top. */
  readonly path: string

  constructor(json: JsonObject, path = '') {
    this.json = json
    this.path = path
  }

  /** Dotted path of a field of this object, for messages: `ipam.ranges[0].subnet`. */
  pathOf(key: string): string {
    return this.path ? `${this.path}.${key}` : key
  }

  /** The error to throw for a value that has the right type and is wrong nevertheless. */
  invalid(key: string, cure: string): Error {
    return invalidConfig(this.pathOf(key), this.json[key], cure)
  }

  /** A string that is not empty, or one of a set. */
  string<const T extends string>(key: string, rule: { oneOf: readonly T[] }): T
  string(key: string): string
  string(key: string, rule?: { oneOf: readonly string[] }): string {
    return this.#required(key, rule ? oneOf(rule.oneOf) : aString)
  }

  /** As `string`; undefined when absent. */
  optionalString<const T extends string>(
    key: string,
    rule: { oneOf: readonly T[] },
  ): T | undefined
  optionalString(key: string): string | undefined
  optionalString(key: string, rule?: { oneOf: readonly string[] }): string | undefined {
    return this.#optional(key, rule ? oneOf(rule.oneOf) : aString)
  }

  /** true or false; strings that say so are refused. */
  optionalBoolean(key: string): boolean | undefined {
    return this.#optional(key, aBoolean)
  }

  /** A whole number. */
  int(key: string, range: IntRange = {}): number {
    return this.#required(key, integer(range))
  }

  /** As `int`; undefined when absent. */
  optionalInt(key: string, range: IntRange = {}): number | undefined {
    return this.#optional(key, integer(range))
  }

  /** An IP address of either family, as written. */
  ip(key: string): string {
    return this.#required(key, anIp)
  }

  /** As `ip`; undefined when absent. */
  optionalIp(key: string): string | undefined {
    return this.#optional(key, anIp)
  }

  /** An address or network with prefix length, as written. */
  cidr(key: string): string {
    return this.#required(key, aCidr)
  }

  /** As `cidr`; undefined when absent. */
  optionalCidr(key: string): string | undefined {
    return this.#optional(key, aCidr)
  }

  /** An Ethernet address, as written. */
  mac(key: string): string {
    return this.#required(key, aMac)
  }

  /** As `mac`; undefined when absent. */
  optionalMac(key: string): string | undefined {
    return this.#optional(key, aMac)
  }

  /** A reader of a nested object. */
  object(key: string): ConfigReader {
    return new ConfigReader(this.#required(key, anObject), this.pathOf(key))
  }

  /** As `object`; undefined when absent. */
  optionalObject(key: string): ConfigReader | undefined {
    const json = this.#optional(key, anObject)
    return json && new ConfigReader(json, this.pathOf(key))
  }

  /** Readers of a list of objects. */
  array(key: string): ConfigReader[] {
    return this.#list(key, anObject).map(
      (json, i) => new ConfigReader(json, `${this.pathOf(key)}[${i}]`),
    )
  }

  /** A list of strings, none empty. */
  strings(key: string): string[] {
    return this.#list(key, aString)
  }

  /** A list of IP addresses. */
  ips(key: string): string[] {
    return this.#list(key, anIp)
  }

  /** A list of addresses or networks with prefix length. */
  cidrs(key: string): string[] {
    return this.#list(key, aCidr)
  }

  #optional<T>(key: string, kind: Kind<T>): T | undefined {
    // A null is what Go programs write for a list or object that they do not have.
    return (this.json[key] ?? undefined) === undefined
      ? undefined
      : this.#required(key, kind)
  }

  #required<T>(key: string, kind: Kind<T>): T {
    return check(this.json[key], this.pathOf(key), kind)
  }

  #list<T>(key: string, kind: Kind<T>): T[] {
    const list = this.#optional(key, anArray) ?? []
    return list.map((value, i) => check(value, `${this.pathOf(key)}[${i}]`, kind))
  }
}

function check<T>(value: unknown, path: string, kind: Kind<T>): T {
  if (!kind.fits(value)) throw invalidConfig(path, value, kind.cure)
  return value
}
