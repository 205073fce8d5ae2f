/**
 * What the kernel would refuse, or worse cut short, is refused here by name.
 */
import { parseMac } from '../ip/index.js'

/** What an interface name holds at most, in bytes: IFNAMSIZ (linux/if.h) less its NUL. */
const LONGEST_NAME = 15

/**
 * Whether the kernel takes the text for the name of a new link: 1 to 15 bytes without slash, colon
 * or white space (dev_valid_name in net/core/dev.c), nor a percent sign, which it takes for a
 * pattern (dev_alloc_name).
 *
 * @internal
 */
export function isLinkName(text: string): boolean {
  return isName(text, LONGEST_NAME)
}

function isName(text: string, most: number): boolean {
  const bytes = Buffer.from(text)
  if (bytes.length < 1 || bytes.length > most || /^\.\.?$/.test(text)) return false
  // The kernel looks at bytes, and its isspace() holds for 0xa0 (lib/ctype.c): "à" ends with it.
  return !/[/:%\s\0]/.test(text) && !bytes.includes(0xa0)
}

/**
 * Throws a TypeError when the text is no {@link isLinkName}.
 *
 * @internal
 */
export function checkLinkName(name: string, field = 'name'): string {
  return checkName(name, field, LONGEST_NAME, 'interface name')
}

/**
 * Throws a TypeError when the text cannot be a further name of a link: as {@link checkLinkName},
 * but up to 127 bytes (ALTIFNAMSIZ, linux/if.h).
 */
export function checkAltName(name: string, field = 'altName'): string {
  return checkName(name, field, 127, 'alternative name')
}

function checkName(name: string, field: string, most: number, what: string): string {
  if (typeof name === 'string' && isName(name, most)) return name
  throw new TypeError(
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
  const long = typeof name === 'string' && Buffer.byteLength(name) > LONGEST_NAME
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
    throw new TypeError(
      `${field}: must be ${what} from ${min} to ${max}, not ${String(value)}`,
    )
  }
  return value
}

/** Throws a TypeError unless the text is a MAC address of six bytes. */
export function checkMac(mac: string, field = 'mac'): string {
  if (!parseMac(mac)) {
    throw new TypeError(
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
    throw new TypeError(`${field}: an alias is text of at most 255 bytes without NUL`)
  }
  return alias
}

/** Throws a TypeError unless it is an AbortSignal, or absent. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new TypeError(`signal: must be an AbortSignal, not ${String(signal)}`)
}
