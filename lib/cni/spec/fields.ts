/**
 * Which fields a plug-in knows: what is accepted works, is refused, or is named in the log.
 */
import { CniCode, CniError, show } from './errors.js'
import type { JsonObject } from './types.js'

/**
 * What a plug-in does with a field that may stand in its config: it reads it (`read`), it knows it
 * and it has no effect here (`noEffect`, with the reason), or it refuses it because it would change
 * who may reach what and does not work yet (`refused`, with the cure).
 */
export type FieldRule =
  'read' | { readonly noEffect: string } | { readonly refused: string }

/** The fields of one object of a config. */
export type FieldTable = Readonly<Record<string, FieldRule>>

/** What the specification and runtimes put into every plug-in's config. */
export const COMMON_FIELDS: FieldTable = {
  cniVersion: 'read',
  name: 'read',
  type: 'read',
  prevResult: 'read',
  runtimeConfig: 'read',
  args: 'read',
  capabilities: 'read',
  logLevel: 'read',
  'cni.dev/valid-attachments': 'read',
  'cni.dev/attachments': 'read',
}

/**
 * Throws CniError (2) for the first refused field that is set; false, null and empty values are
 * how a config says that it does not want something, and pass.
 */
export function refuseFields(json: JsonObject, table: FieldTable, path = ''): void {
  const [first] = refusedFields(json, table, path)
  if (first) throw first.error
}

/** A field that is set and refused. */
export interface RefusedField {
  readonly key: string
  /** Names the field, its value and the cure (code 2). */
  readonly error: CniError
}

/** All refused fields that are set, in the order of the table. */
export function refusedFields(
  json: JsonObject,
  table: FieldTable,
  path = '',
): RefusedField[] {
  return Object.entries(table).flatMap(([name, rule]) => {
    if (typeof rule !== 'object' || !('refused' in rule)) return []
    // Programs in Go, which the reference plug-ins are, read a key in any case.
    const keys = Object.keys(json).filter(
      (one) => one.toLowerCase() === name.toLowerCase() && isSet(json[one]),
    )
    return keys.map((key) => {
      const where = path ? `${path}.${key}` : key
      const msg = `${where}: ${show(json[key])} is not supported: ${rule.refused}`
      return { key, error: new CniError(CniCode.UnsupportedField, msg) }
    })
  })
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '')
    return false
  return !(Array.isArray(value) && value.length === 0)
}

/** A sentence for each field that is set and does nothing: it is unknown, or has no effect. */
export function idleFields(json: JsonObject, table: FieldTable, path = ''): string[] {
  return Object.keys(json).flatMap((key) => {
    const where = path ? `${path}.${key}` : key
    const rule = Object.hasOwn(table, key) ? table[key] : undefined
    if (rule === undefined) return [`${where} is not a known field${likely(key, table)}`]
    if (typeof rule === 'object' && 'noEffect' in rule && isSet(json[key])) {
      return [`${where} has no effect: ${rule.noEffect}`]
    }
    return []
  })
}

function likely(key: string, table: FieldTable): string {
  const near = Object.keys(table)
    .map((name) => ({ name, distance: distance(key.toLowerCase(), name.toLowerCase()) }))
    .filter((one) => one.distance <= Math.max(1, Math.floor(key.length / 4)))
    .sort((a, b) => a.distance - b.distance)[0]
  return near ? `: did you mean ${near.name}?` : ''
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + Number(a[i - 1] !== b[j - 1])
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
