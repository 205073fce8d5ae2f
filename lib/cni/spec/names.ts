/**
 * The rules for names that a caller gives: containers, networks, interfaces, plug-ins.
 */
import { isLinkName } from '../../link-name.js'

/** A name that does not fit its rule, and what would. */
export interface NameRule {
  /** Whether the text is such a name. */
  fits(text: string): boolean
  /** What to write instead. */
  readonly cure: string
}

/**
 * Container IDs and names of networks ("Network configuration" and "Parameters" in SPEC.md); there
 * is no limit on their length.
 */
export const identifierRule: NameRule = {
  fits: (text) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text),
  cure: 'use letters, digits, "_", "." and "-", beginning with a letter or digit',
}

/** Names of interfaces, as the kernel takes them for a new link. */
export const interfaceRule: NameRule = {
  fits: (text) => isLinkName(text),
  cure: 'use 1 to 15 bytes without "/", ":", "%" and white space, not "." or ".."',
}

/** `type`: the file name of a plug-in's program ("Plugin configuration objects" in SPEC.md). */
export const pluginTypeRule: NameRule = {
  fits: (text) => text !== '' && !/^\.\.?$|[/\0]/.test(text),
  cure: 'use the file name of a plug-in, without a folder',
}
