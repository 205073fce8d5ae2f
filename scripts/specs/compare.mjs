// Compares our tables (native/tools/describe.cc) with a specification: what is of another type, and
// what we lack.

/** What a kind of ours may be called in a specification. `struct`s and nests are looked into. */
const KINDS = {
  u8: ['u8'],
  u16: ['u16'],
  u32: ['u32'],
  i32: ['s32'],
  u64: ['u64', 'uint'],
  be16: ['u16 be'],
  be32: ['u32 be'],
  be64: ['u64 be'],
  bei32: ['s32 be'],
  string: ['string'],
  mac: ['binary mac'],
  address: ['binary ipv4', 'binary ipv6', 'u32 be ipv4', 'u32 ipv4'],
  bytes: ['binary', 'binary struct', 'binary hex'],
  flag: ['flag'],
  nest: ['nest'],
  list: ['indexed-array', 'nest'],
  row: ['nest'],
  struct: ['binary struct', 'nest'],
  array: ['binary', 'binary struct'],
  kinds: ['sub-message'],
  link: ['u32', 's32'],
  netns: ['u32'],
}
/** Our own code reads these, or nobody does: there is no type to compare. */
const OPAQUE = new Set(['custom', 'skip'])
const UNUSED = new Set(['pad', 'unused'])

function describe(attribute) {
  const parts = [attribute.type]
  if (attribute['byte-order'] === 'big-endian') parts.push('be')
  if (attribute['display-hint']) parts.push(attribute['display-hint'])
  if (attribute.struct) parts.push('struct')
  return parts.join(' ')
}

export class Comparison {
  /** @type {{ path: string, ours: string, theirs: string }[]} */
  different = []
  /** @type {{ path: string, type: string }[]} */
  missing = []
  known = 0
  #ours
  #spec
  #seen = new Set()

  constructor(ours, spec) {
    this.#ours = ours
    this.#spec = spec
  }

  /** An object's header and attributes. */
  message(object, { header, set }) {
    const struct = this.#ours.structs[object.request ?? object.struct]
    if (header) this.#fields(struct.fields, this.#spec.struct(header), '')
    this.#table(struct.table, set, '')
    return this
  }

  #fields(ours, theirs, path) {
    for (const member of theirs) {
      const field = ours.find(({ offset }) => offset === member.offset)
      const name = `${path}${member.name}`
      if (!field) {
        if (!/pad|reserved/.test(member.name) && member.type !== 'pad')
          this.missing.push({ path: name, type: `${member.type} of the header` })
        continue
      }
      this.known++
      const wanted = KINDS[field.kind] ?? []
      if (
        !wanted.includes(describe(member)) ||
        (member.size && field.width !== member.size)
      )
        this.different.push({ path: name, ours: field.kind, theirs: describe(member) })
    }
  }

  #table(table, setName, path) {
    const key = `${table} ${setName}`
    if (table === null || this.#seen.has(key)) return
    this.#seen.add(key)
    const attributes = this.#ours.tables[table]
    for (const theirs of this.#spec.set(setName)) {
      const name = `${path}${theirs.name}`
      if (UNUSED.has(theirs.type) || /(^|-)pad$/.test(theirs.name)) continue
      const ours = attributes.find(({ type }) => (type & 0x3fff) === theirs.value)
      if (ours) this.#attribute(ours, theirs, name)
      else this.missing.push({ path: name, type: describe(theirs) })
    }
  }

  #attribute(ours, theirs, path) {
    this.known++
    if (OPAQUE.has(ours.kind)) return
    if (!KINDS[ours.kind].includes(describe(theirs))) {
      this.different.push({ path, ours: ours.kind, theirs: describe(theirs) })
      return
    }
    if (ours.kind === 'kinds') this.#kinds(ours, theirs, path)
    else if (ours.kind === 'struct' && theirs.struct) {
      const members = this.#spec.struct(theirs.struct)
      this.#fields(this.#ours.structs[ours.struct].fields, members, `${path}.`)
    } else if (ours.kind === 'nest' || ours.kind === 'row')
      this.#table(ours.table, theirs['nested-attributes'], `${path}.`)
    else if (ours.kind === 'list')
      this.#table(ours.table, this.#elements(theirs), `${path}.`)
  }

  /** The set of a list's elements: of an indexed array, or of the one attribute of a nest. */
  #elements(theirs) {
    const set = theirs['nested-attributes']
    if (theirs.type === 'indexed-array') return set
    return this.#spec.set(set)[0]['nested-attributes']
  }

  #kinds(ours, theirs, path) {
    const { kinds } = this.#ours.kinds[ours.kinds]
    for (const format of this.#spec.formats(theirs['sub-message'])) {
      const kind = kinds.find(({ name }) => name === format.value)
      const name = `${path} of ${format.value}`
      const set = format['attribute-set']
      if (!kind) this.missing.push({ path: name, type: 'sub-message' })
      else if (set) this.#table(kind.table, set, `${name}: `)
    }
  }
}
