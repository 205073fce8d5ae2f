// A plug-in for typedoc: sorts the library's exports into categories by the file that they are in,
// so that no docstring has to say it.
import { CommentTag, Converter, ReflectionKind } from 'typedoc'

/** The first that fits the path below lib/. */
const CATEGORIES = [
  [/^netlink\/objects\/sysctl\.ts$/, 'Namespaces and plans'],
  [/^netlink\/base\/(steps|namespace)\.ts$/, 'Namespaces and plans'],
  [/^netlink\/objects\/(kinds\/bridge|bridge-port|fdb)\.ts$/, 'Bridges'],
  [/^netlink\/objects\/(kinds\/|link|nsid\.)/, 'Links'],
  [/^netlink\/objects\/(socket|generic|ethtool)\.ts$/, 'Sockets, generic netlink'],
  [/^netlink\/objects\//, 'Addresses, routes, neighbours'],
  [/^netlink\/base\/|^binding\.ts$/, 'Numbers and requests'],
  [/^netlink\/monitor/, 'Watching'],
  [/^netlink\/ruleset\.ts$/, 'nft: transactions and reading'],
  [/^netlink\//, 'Namespaces and plans'],
  [/^ip\//, 'Addresses, routes, neighbours'],
  [/^nft\/expr\//, 'nft: expressions'],
  [/^nft\/(types|range|verdict|families)\.ts$/, 'nft: values'],
  [/^nft\//, 'nft: transactions and reading'],
  [/^conntrack\//, 'Conntrack'],
  [/^errors\.ts$/, 'Errors'],
]

const KINDS =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.Function |
  ReflectionKind.TypeAlias |
  ReflectionKind.Variable

/** The category of a source file, or undefined. */
function categoryOf(file) {
  const path = file.replace(/^.*\blib\//, '')
  return CATEGORIES.find(([pattern]) => pattern.test(path))?.[1]
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of project.getReflectionsByKind(KINDS)) {
      const category = categoryOf(reflection.sources?.[0]?.fileName ?? '')
      if (!category) continue
      // The comments of functions are their signatures'.
      const holders = reflection.signatures ?? [reflection]
      for (const { comment } of holders) {
        const text = [{ kind: 'text', text: category }]
        comment?.blockTags.push(new CommentTag('@category', text))
      }
    }
  })
}
