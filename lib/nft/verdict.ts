/**
 * Verdicts: what happens to a packet next.
 */
import { ArgumentError } from '../argument-error.js'
import { checkOptions } from '../netlink/base/options.js'

/** NF_* (linux/netfilter.h) and NFT_* (linux/netfilter/nf_tables.h) as two's complement. */
const CODES: Readonly<Record<Exclude<Verdict, object>, number>> = {
  drop: 0,
  accept: 1,
  continue: 0xffffffff,
  break: 0xfffffffe,
  return: 0xfffffffb,
}
const JUMP = 0xfffffffd
const GOTO = 0xfffffffc

/** A chain to go on in, coming back at its end. */
export interface Jump {
  /** Name of the chain, in the same table. */
  readonly jump: string
}

/** A chain to go on in, for good. */
export interface Goto {
  /** Name of the chain, in the same table. */
  readonly goto: string
}

/**
 * An end, or a chain to go on in. `accept` ends this hook's chain, `drop` ends the packet, `return`
 * goes back to where the chain was jumped to from, `continue` goes on with the next expression,
 * `break` with the next rule.
 */
export type Verdict = 'accept' | 'drop' | 'return' | 'continue' | 'break' | Jump | Goto

/** A verdict in the addon's form (NFTA_DATA_VERDICT). */
export interface WireVerdict {
  /** NF_* or NFT_* number as two's complement (NFTA_VERDICT_CODE). */
  readonly code: number
  /** Chain to go on in (NFTA_VERDICT_CHAIN). */
  readonly chain?: string
}

/**
 * A verdict in the addon's form. Throws a TypeError for an unknown word.
 *
 * @internal
 */
export function verdictToWire(verdict: Verdict): { code: number; chain?: string } {
  if (typeof verdict === 'object' && verdict !== null) {
    checkOptions(verdict, 'a verdict', { jump: 'value', goto: 'value' }, 'verdict.')
    if (Object.keys(verdict).length === 1) {
      return 'jump' in verdict
        ? { code: JUMP, chain: verdict.jump }
        : { code: GOTO, chain: verdict.goto }
    }
  }
  const code = Object.hasOwn(CODES, String(verdict))
    ? CODES[verdict as keyof typeof CODES]
    : undefined
  if (code === undefined) {
    const known = Object.keys(CODES).join(', ')
    throw new ArgumentError(
      `verdict: ${String(verdict)} is none of ${known}, { jump }, { goto }`,
    )
  }
  return { code }
}

/**
 * A verdict from the addon's form; undefined for a code that has no name.
 *
 * @internal
 */
export function verdictFromWire(wire: WireVerdict): Verdict | undefined {
  const code = wire.code >>> 0
  const chain = wire.chain ?? ''
  if (code === JUMP) return { jump: chain }
  if (code === GOTO) return { goto: chain }
  const names = Object.entries(CODES) as [keyof typeof CODES, number][]
  return names.find(([, n]) => n === code)?.[0]
}
