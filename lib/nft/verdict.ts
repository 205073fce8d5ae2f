/**
 * Verdicts: what happens to a packet next.
 */

/** NF_* (linux/netfilter.h) and NFT_* (linux/netfilter/nf_tables.h) as two's complement. */
const CODES = {
  drop: 0,
  accept: 1,
  continue: 0xffffffff,
  break: 0xfffffffe,
  return: 0xfffffffb,
} as const
const JUMP = 0xfffffffd
const GOTO = 0xfffffffc

/** An end, or a chain to go on in: `jump` comes back from it, `goto` does not. */
export type Verdict =
  keyof typeof CODES | { readonly jump: string } | { readonly goto: string }

/** A verdict in the addon's form (NFTA_DATA_VERDICT). */
export interface WireVerdict {
  readonly code: number
  readonly chain?: string
}

/** A verdict in the addon's form. Throws a TypeError for an unknown word. */
export function verdictToWire(verdict: Verdict): { code: number; chain?: string } {
  if (typeof verdict === 'object') {
    return 'jump' in verdict
      ? { code: JUMP, chain: verdict.jump }
      : { code: GOTO, chain: verdict.goto }
  }
  const code: number | undefined = CODES[verdict]
  if (code === undefined) {
    const known = Object.keys(CODES).join(', ')
    throw new TypeError(
      `verdict: ${String(verdict)} is none of ${known}, { jump }, { goto }`,
    )
  }
  return { code }
}

/** A verdict from the addon's form; undefined for a code that has no name. */
export function verdictFromWire(wire: WireVerdict): Verdict | undefined {
  const code = wire.code >>> 0
  const chain = wire.chain ?? ''
  if (code === JUMP) return { jump: chain }
  if (code === GOTO) return { goto: chain }
  const names = Object.entries(CODES) as [keyof typeof CODES, number][]
  return names.find(([, n]) => n === code)?.[0]
}
