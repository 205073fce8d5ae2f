/** Reads by the addon's own name of the object; `name` tells an entry. */
export const raw = (op, args, name) => ({
  dump: (p) => p.raw(`${op}.dump`, args),
  names: (entries) => entries.map(name),
})
