/**
 * The errors of address management: what happened, in numbers, and what helps.
 */

/** Why a source gave no answer: no contact, a wrong status, or an answer that is wrong. */
export type SourceFailure = 'unreachable' | 'status' | 'invalid'

/** A source could not say which addresses this machine has. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly kind: SourceFailure
  /** `kind` of the source: `wireserver`. */
  readonly source: string
  /** What the operator can do about it. */
  readonly cure: string

  constructor(
    kind: SourceFailure,
    source: string,
    problem: string,
    cure: string,
    options?: ErrorOptions,
  ) {
    super(`${problem}; ${cure}`, options)
    this.kind = kind
    this.source = source
    this.cure = cure
  }
}

/**
 * Why no address could be given: all are taken; the NIC has only its primary address; no
 * NIC of the host is known to the source; no pool fits what was asked for.
 */
export type ExhaustedReason = 'exhausted' | 'no-secondary' | 'no-nic' | 'no-pool'

/** No pool has an address to give. */
export class PoolExhaustedError extends Error {
  override readonly name = 'PoolExhaustedError'
  readonly reason: ExhaustedReason
  /** What the operator can do about it. */
  readonly cure: string

  constructor(reason: ExhaustedReason, problem: string, cure: string) {
    super(`${problem}; ${cure}`)
    this.reason = reason
    this.cure = cure
  }
}

/**
 * Why a wanted address cannot be given: no pool has it; another owner has it or it is
 * excluded; the owner has a different one already.
 */
export type AddressReason = 'not-in-pool' | 'in-use' | 'other-lease'

/** The address that was asked for cannot be given. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
  readonly reason: AddressReason
  /** The address that was asked for, without prefix length. */
  readonly address: string

  constructor(reason: AddressReason, address: string, problem: string) {
    super(problem)
    this.reason = reason
    this.address = address
  }
}
