/** The errnos that the documentation of the verbs promises, read out of the source. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What callers know a class of verbs by. */
function groupOf(className: string): string {
  const [, group] = /^(\w+)Verbs$/.exec(className) ?? []
  return group ? group.charAt(0).toLowerCase() + group.slice(1) : className
}

/** `link.add EEXIST` for each `@throws NetlinkError EEXIST` (or SyscallError) of one file. */
function inSource(source: string): string[] {
  const found: string[] = []
  let group = ''
  // A class, or a comment of a method with the name that it stands before.
  const parts =
    /^export class (\w+)|^  \/\*\*((?:(?!\*\/)[^])*)\*\/\s+(?:static |async )*(\w+)/gm
  for (const [, className, comment, verb] of source.matchAll(parts)) {
    if (className) group = groupOf(className)
    for (const [, code] of (comment ?? '').matchAll(
      /@throws (?:NetlinkError|SyscallError) (E[A-Z0-9]+)\b/g,
    )) {
      found.push(`${group}.${verb} ${code}`)
    }
  }
  return found
}

/** Every promise of lib/netlink, sorted, each once. */
export function documentedErrnos(): string[] {
  const folder = fileURLToPath(new URL('../../../lib/netlink/', import.meta.url))
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  const found = files.flatMap((name) => inSource(readFileSync(folder + name, 'utf8')))
  return [...new Set(found)].sort()
}
