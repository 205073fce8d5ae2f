/** The errnos that the documentation of the verbs promises, read out of the source. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What callers know a class of verbs by. */
function groupOf(className: string): string {
  const [, group] = /^(\w+)Verbs$/.exec(className) ?? []
  return group ? group.charAt(0).toLowerCase() + group.slice(1) : className
}

/** A class, or a comment (indented: of a method) with the name that it stands before. */
const PARTS =
  /^export class (\w+)|^( {2})?\/\*\*((?:(?!\*\/)[^])*)\*\/(?=\s+(?:(?:export|static|async|function) )*(\w+))/gm

/** `link.add EEXIST` for each `@throws NetlinkError EEXIST` (or SyscallError) of one file. */
function inSource(source: string): string[] {
  const found: string[] = []
  let group = ''
  for (const [, className, indent, comment = '', name] of source.matchAll(PARTS)) {
    if (className) group = `${groupOf(className)}.`
    for (const [, code] of comment.matchAll(
      /@throws (?:NetlinkError|SyscallError) (E[A-Z0-9]+)\b/g,
    )) {
      found.push(`${indent ? group : ''}${name} ${code}`)
    }
  }
  return found
}

/**
 * Every promise of a file or folder of lib, sorted, each once. Methods stand with their class: as
 * callers know it for one of verbs (`link.add EEXIST`), else by its name (`NetNs.open ENOENT`);
 * functions stand alone (`list EPERM`).
 */
export function documentedErrnos(path: string): string[] {
  const place = fileURLToPath(new URL(`../../lib/${path}`, import.meta.url))
  const files = path.endsWith('.ts')
    ? [place]
    : readdirSync(place, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(place, name))
  const found = files.flatMap((file) => inSource(readFileSync(file, 'utf8')))
  return [...new Set(found)].sort()
}
