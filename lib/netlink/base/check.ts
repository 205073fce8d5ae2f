/**
 * What the kernel would refuse, or worse cut short, is refused here by name.
 */

/**
 * Throws a TypeError when the kernel would not take the name: 1 to 15 bytes without slash, colon
 * or white space (dev_valid_name in net/core/dev.c), nor a percent sign, which it takes for a
 * pattern (dev_alloc_name).
 *
 * @internal
 */
export function checkLinkName(name: string, field = 'name'): string {
  return checkName(name, field, 15, 'interface name')
}

/**
 * Throws a TypeError when the text cannot be a further name of a link: as {@link checkLinkName},
 * but up to 127 bytes (ALTIFNAMSIZ, linux/if.h).
 */
export function checkAltName(name: string, field = 'altName'): string {
  return checkName(name, field, 127, 'alternative name')
}

function checkName(name: string, field: string, most: number, what: string): string {
  const bytes = typeof name === 'string' ? Buffer.byteLength(name) : 0
  if (
    bytes < 1 ||
    bytes > most ||
    name === '.' ||
    name === '..' ||
    /[/:%\s\0]/.test(name)
  ) {
    throw new TypeError(
      `${field}: ${JSON.stringify(name)} is no ${what}; give 1 to ${most} bytes without slash, colon, percent sign or white space`,
    )
  }
  return name
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
  const long = typeof name === 'string' && Buffer.byteLength(name) > 15
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
  if (typeof mac !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
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
