/**
 * Names of links: the kernel's rule, for all who give or take one.
 */

/** The longest name of a link in bytes (IFNAMSIZ less its zero, linux/if.h). */
export const LONGEST_LINK_NAME = 15

/**
 * Whether the kernel takes the text for the name of a new link: 1 to 15 bytes (or `most`) without
 * slash, colon or white space (dev_valid_name in net/core/dev.c), nor a percent sign, which it
 * takes for a pattern (dev_alloc_name).
 */
export function isLinkName(text: string, most = LONGEST_LINK_NAME): boolean {
  const bytes = Buffer.from(text)
  if (bytes.length < 1 || bytes.length > most || /^\.\.?$/.test(text)) return false
  // The kernel looks at bytes, and its isspace() holds for 0xa0 (lib/ctype.c): "à" ends with it.
  return !/[/:%\s\0]/.test(text) && !bytes.includes(0xa0)
}
