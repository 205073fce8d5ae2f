import type { Plan } from 'vnet-cni'

/** One request in two languages. */
export interface Case {
  /** A line for the batch mode of `ip` or `bridge`. */
  readonly line: string
  /** The verb that asks for the same. */
  readonly make: (plan: Plan) => unknown
}
