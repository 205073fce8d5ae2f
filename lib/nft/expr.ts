/**
 * Expressions: what rules are made of. Each function answers with a list (or one), so that a rule
 * is their concatenation: `[...eq(field.iifname, ifname('eth0')), verdict('drop')]`.
 *
 * Registers are 32 bits wide and numbered from 0 here; the kernel calls the first
 * NFT_REG32_00 (8), linux/netfilter/nf_tables.h.
 */
export * from './expr/compute.js'
export * from './expr/core.js'
export * from './expr/fields.js'
export * from './expr/match.js'
export * from './expr/nat.js'
export * from './expr/sets.js'
export * from './expr/shapes.js'
export * from './expr/stateful.js'
export * from './expr/statements.js'
