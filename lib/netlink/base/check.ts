/**
 * What the kernel would refuse, or worse cut short, is refused here by name.
 */
import { ArgumentError } from '../../argument-error.js'
import { parseMac } from '../../ip/index.js'
import { isLinkName, LONGEST_LINK_NAME } from '../../link-name.js'

/**
 * Throws a TypeError when the text is no name of a link.
 *
 * @internal
 */
export function checkLinkName(name: string, field = 'name'): string {
  return checkName(name, field, LONGEST_LINK_NAME, 'interface name')
}

/**
 * Throws a TypeError when the text cannot be a further name of a link: as {@link checkLinkName},
 * but up to 127 bytes (ALTIFNAMSIZ, linux/if.h).
 */
export function checkAltName(name: string, field = 'altName'): string {
  return checkName(name, field, 127, 'alternative name')
}

function checkName(name: string, field: string, most: number, what: string): string {
  if (typeof name === 'string' && isLinkName(name, most)) return name
  throw new ArgumentError(
    `${field}: ${JSON.stringify(name)} is no ${what}; give 1 to ${most} bytes without slash, colon, percent sign or white space`,
  )
}

/**
 * What finds a link by its name or one of its alternative names, which can be longer. Throws a
 * TypeError for what is neither.
 */
export function nameArgs(
  name: string,
  field = 'name',
): { readonly name: string } | { readonly altName: string } {
  // The kernel looks up either attribute in both kinds of names (net/core/dev.c,
  // netdev_name_node_lookup), but IFLA_IFNAME holds 15 bytes at most.
  const long = typeof name === 'string' && Buffer.byteLength(name) > LONGEST_LINK_NAME
  return long
    ? { altName: checkAltName(name, field) }
    : { name: checkLinkName(name, field) }
}

/** Throws a TypeError naming the field unless the value is an integer within the bounds. */
export function checkInteger(
  value: number,
  field: string,
  min: number,
  max: number,
  what = 'an integer',
): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentError(
      `${field}: must be ${what} from ${min} to ${max}, not ${String(value)}`,
    )
  }
  return value
}

/** Throws a TypeError unless the text is a MAC address of six bytes. */
export function checkMac(mac: string, field = 'mac'): string {
  if (!parseMac(mac)) {
    throw new ArgumentError(
      `${field}: must be a MAC address like 02:00:5e:10:00:01, not ${JSON.stringify(mac)}`,
    )
  }
  return mac
}

/** Throws a TypeError when the text is longer than IFALIASZ (linux/if.h) allows: 255 bytes. */
export function checkAlias(alias: string, field = 'alias'): string {
  if (
    typeof alias !== 'string' ||
    Buffer.byteLength(alias) > 255 ||
    alias.includes('\0')
  ) {
    throw new ArgumentError(`${field}: an alias is text of at most 255 bytes without NUL`)
  }
  return alias
}

/** Throws a TypeError unless it is an AbortSignal, or absent. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new ArgumentError(`signal: must be an AbortSignal, not ${String(signal)}`)
}
