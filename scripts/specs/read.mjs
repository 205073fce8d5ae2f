// Reads the kernel's own descriptions of netlink (Documentation/netlink/specs, "YNL"), as Debian
// packs them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parse } from 'yaml'
import { RENUMBERED } from './objects.mjs'

/** Where the package linux-doc-6.12 has them. */
export const SPECS = '/usr/share/doc/linux-doc-6.12/Documentation/netlink/specs'

const SIZES = { u8: 1, s8: 1, u16: 2, s16: 2, u32: 4, s32: 4, u64: 8, s64: 8 }

/** Names of the specifications that are there. */
export function specNames() {
  if (!existsSync(SPECS))
    throw new Error(`${SPECS} is not there: npm run setup installs it`)
  return readdirSync(SPECS)
    .filter((file) => file.endsWith('.yaml.gz'))
    .map((file) => file.slice(0, -'.yaml.gz'.length))
    .toSorted()
}

/** Members of a struct with their places: YNL names the padding, so there is none beside it. */
function structOf(definition) {
  let offset = 0
  return definition.members.map((member) => {
    const size = SIZES[member.type] ?? member.len ?? 0
    const at = { ...member, offset, size }
    offset += size
    return at
  })
}

/** Attributes with their numbers: one more than the one before, from 1, unless they say so. */
function numbered(set, sets, corrected) {
  const parent = set['subset-of'] && numbered(sets.get(set['subset-of']), sets, {})
  let value = 0
  return set.attributes.map((attribute) => {
    const inherited = parent?.find(({ name }) => name === attribute.name)
    value = corrected[attribute.name] ?? attribute.value ?? inherited?.value ?? value + 1
    return { ...inherited, ...attribute, value }
  })
}

/** One specification, with what its names stand for. */
export function readSpec(name) {
  const spec = parse(gunzipSync(readFileSync(join(SPECS, `${name}.yaml.gz`))).toString())
  const sets = new Map(spec['attribute-sets'].map((set) => [set.name, set]))
  const structs = new Map(
    (spec.definitions ?? [])
      .filter(({ type }) => type === 'struct')
      .map((definition) => [definition.name, structOf(definition)]),
  )
  const messages = new Map(
    (spec['sub-messages'] ?? []).map((sub) => [sub.name, sub.formats]),
  )
  return {
    set: (setName) =>
      numbered(sets.get(setName), sets, RENUMBERED[name]?.[setName] ?? {}),
    struct: (structName) => structs.get(structName),
    formats: (messageName) => messages.get(messageName),
  }
}
