/**
 * The record of one attachment: its form in a file, the file's name, and the form of the program
 * before.
 */
import { statSync } from 'node:fs'
import type { Owner } from '../spec/owner.js'
import { isObject } from '../spec/config.js'
import { identifierRule, interfaceRule } from '../spec/names.js'
import type { CniResult } from '../spec/types.js'
import {
  flag,
  list as listOf,
  number,
  object,
  optional,
  record as mapOf,
  text,
  type Shape,
} from '../../state/schema.js'
import { runsOf, type Attachment, type PluginRun } from './chain.js'
import { parseList, type NetworkList } from './list.js'

/** What was asked for by attach, and how far it has come. */
export interface AttachmentRecord {
  readonly list: NetworkList
  readonly attachment: Attachment
  /** `NAMESPACE/NAME` of the pod; empty when none was given. */
  readonly pod: string
  /** Device and inode of the namespace: a path like /proc/PID may come to lead elsewhere. */
  readonly netnsId: string
  /** The boot that `netnsId` belongs to; empty when it is not known. */
  readonly bootId: string
  /** The plug-ins that may have something to take back. */
  readonly runs: readonly PluginRun[]
  /** Of the last plug-in whose ADD ended well; absent before the first. */
  readonly result?: CniResult
}

/** Version of the records' form. The form without a version, 1, had no `runs` and no `bootId`. */
const VERSION = 2

/** Identity of the namespace at a path; empty when there is none. */
export function netnsId(path: string): string {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return ''
  }
}

/** Whose record it is. */
export function recordOwner({ list, attachment }: AttachmentRecord): Owner {
  const { containerId, ifname } = attachment
  return { network: list.name, containerId, ifname }
}

/** What DEL is told: without a namespace where its path no longer leads to the one of ADD. */
export function attachmentForDel(record: AttachmentRecord, bootId: string): Attachment {
  const { attachment } = record
  // After a reboot the same numbers name other namespaces. A plug-in would take a stranger's
  // interface away.
  const isSame =
    record.bootId === bootId &&
    record.netnsId !== '' &&
    netnsId(attachment.netns) === record.netnsId
  return isSame ? attachment : { ...attachment, netns: '' }
}

/** Name of the file of an owner's record. */
export function fileName({ network, containerId, ifname }: Owner): string {
  // No part can hold a slash, and only names of interfaces a "@".
  return `${network}@${containerId}@${ifname}.json`
}

/** The owner that a file's name tells; undefined for a name that is not of a record. */
export function ownerOfFile(name: string): Owner | undefined {
  const [, network = '', containerId = '', ifname = ''] =
    /^([^@]+)@([^@]+)@(.+)\.json$/s.exec(name) ?? []
  const fits =
    identifierRule.fits(network) &&
    identifierRule.fits(containerId) &&
    interfaceRule.fits(ifname)
  return fits ? { network, containerId, ifname } : undefined
}

/** The text of a record's file. */
export function encodeRecord(record: AttachmentRecord): string {
  return `${JSON.stringify({ version: VERSION, ...record })}\n`
}

const anyObject = object({})

const resultShape = object({
  interfaces: optional(listOf(object({ name: text }))),
  ips: optional(listOf(object({ address: text }))),
  routes: optional(listOf(object({ dst: text }))),
  dns: optional(anyObject),
  extra: optional(anyObject),
})

const baseShape = object({
  list: anyObject,
  attachment: object({
    containerId: text,
    netns: text,
    ifname: text,
    args: text,
    capabilityArgs: anyObject,
  }),
  pod: text,
  netnsId: text,
  result: optional(resultShape),
})

const configShape = object({
  cniVersion: text,
  name: text,
  type: text,
  prevResult: optional(anyObject),
  runtimeConfig: optional(mapOf((value) => value)),
})

const runsShape = listOf(object({ position: number, config: configShape, ended: flag }))

/**
 * Reads a record.
 *
 * @param content text of the file
 * @param owner whose record the file's name says it is
 * @param oldBoot the boot of a record of version 1, which does not tell
 * @throws Error that says what is wrong with it
 */
export function decodeRecord(
  content: string,
  owner: Owner | undefined,
  oldBoot: string,
): AttachmentRecord {
  const json = parseJson(content)
  const { version = 1 } = json
  if (version !== 1 && version !== VERSION) {
    throw new Error(`version is ${JSON.stringify(version)}, not 1 or ${VERSION}`)
  }
  const base = baseShape(json, '')
  const { attachment, pod, netnsId: id, result } = base
  const list = parseList(base.list, 'list')
  const record = {
    list,
    attachment,
    pod,
    netnsId: id,
    ...(result && { result: result as CniResult }),
    ...(version === 1
      ? { bootId: oldBoot, runs: runsOf(list, attachment.capabilityArgs) }
      : {
          bootId: text(json['bootId'], 'bootId'),
          runs: (runsShape as unknown as Shape<PluginRun[]>)(json['runs'], 'runs'),
        }),
  }
  record.runs.forEach((run, i) => checkRun(run, list, `runs[${i}]`))
  const inside = recordOwner(record)
  if (!owner || fileName(owner) !== fileName(inside)) {
    throw new Error(`it is of ${fileName(inside).slice(0, -5)}, which its name is not`)
  }
  return record
}

function checkRun({ position, config }: PluginRun, list: NetworkList, path: string) {
  const isOfList =
    config.type === list.plugins[position]?.type &&
    config.name === list.name &&
    config.cniVersion === list.cniVersion
  if (!isOfList) throw new Error(`${path} is of no plug-in of the list`)
}

/** The pod that a damaged record names, where that much can be read. */
export function podOf(content: string): string | undefined {
  try {
    const { pod } = parseJson(content)
    return typeof pod === 'string' ? pod : undefined
  } catch {
    return undefined
  }
}

function parseJson(content: string): Record<string, unknown> {
  if (content.trim() === '') throw new Error('it is empty')
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!isObject(json)) throw new Error('it is not a JSON object')
  return json
}
