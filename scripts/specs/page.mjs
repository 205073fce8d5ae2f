// The page that tells what the tables know of the kernel's netlink.
import { EXCEPTIONS, OBJECTS, RENUMBERED } from './objects.mjs'

const code = (text) => `\`${text}\``

function summary(compared) {
  const rows = compared.map(({ name, part, result }) => {
    const all = result.known + result.missing.length
    return `| ${code(name)} | ${part.spec} | ${result.known} of ${all} |`
  })
  return ['| object | specification | attributes |', '| --- | --- | --- |', ...rows].join(
    '\n',
  )
}

function lacking({ name, result }) {
  if (result.missing.length === 0) return ''
  const lines = result.missing.map(({ path, type }) => `- ${code(path)} (${type})`)
  return [`### ${name}`, '', ...lines].join('\n')
}

function reasons(compared) {
  const keys = compared.flatMap(({ name, result }) =>
    result.different.map(({ path }) => `${name} ${path}`),
  )
  const lines = EXCEPTIONS.map(({ where, why }) => {
    const found = [...new Set(keys.filter((key) => where.test(key)))]
    return `- ${why}: ${found.map(code).join(', ')}`
  })
  return lines.join('\n')
}

function renumbered() {
  const lines = Object.entries(RENUMBERED).flatMap(([spec, sets]) =>
    Object.entries(sets).flatMap(([set, attributes]) =>
      Object.entries(attributes).map(
        ([name, value]) => `- ${code(name)} of ${code(set)} in ${spec} is ${value}`,
      ),
    ),
  )
  return lines.join('\n')
}

/** The text of docs/coverage.md. */
export function page(ours, compared, specs) {
  const described = new Set(compared.map(({ part }) => part.spec))
  const plain = ours.objects.map(({ name }) => name).filter((name) => !(name in OBJECTS))
  const since = ours.objects.filter((object) => object.since)
  return `# Coverage of the kernel's netlink

Written by \`npm run docs:coverage\`, which compares the addon's tables with the specifications that
the kernel ships (Documentation/netlink/specs of Linux 6.12). What is not known to a table is not
lost: it is told as \`unknown: [{ type, data }]\`, and taken back in the same form.

## Objects

${summary(compared)}

Linux 6.12 has no specification for ${plain.map(code).join(', ')}.

We have no object for the specifications ${specs
    .filter((spec) => !described.has(spec))
    .map(code)
    .join(', ')}.

The oldest kernel that we support is 5.4. Later are ${since
    .map(({ name, since: version }) => `${code(name)} (${version})`)
    .join(', ')}.

## Where a type of ours is another than the specification's

${reasons(compared)}

Some numbers of the specifications are not the kernel's, because they forget a \`*_PAD\` that
linux/netfilter/nf_tables.h has. What follows them counts on from there:

${renumbered()}

## Attributes that no table has

${compared.map(lacking).filter(Boolean).join('\n\n')}
`
}
