/**
 * The messages of a transaction, each with what it is about.
 */
import type { Wire, WireFailure } from '../binding.js'
import type { Subject } from './refs.js'

/** One change of a transaction, in the addon's form. */
export interface TransactionMessage {
  /** What to do: `nft.rule.new`. */
  readonly op: string
  /** NLM_F_* bits (linux/netlink.h). */
  readonly flags: number
  /** The object, by the addon's names. */
  readonly args: { readonly [key: string]: Wire }
}

const ECHO = 8

/** Messages in the order in which they are sent. */
export class MessageList {
  readonly #messages: TransactionMessage[] = []
  readonly #subjects: Subject[] = []

  /** The messages in the addon's form. */
  get all(): readonly TransactionMessage[] {
    return this.#messages
  }

  push(message: TransactionMessage, subject: Subject): void {
    this.#messages.push(message)
    this.#subjects.push(subject)
  }

  /** The messages with NLM_F_ECHO, by which the kernel tells what it made. */
  echoing(): TransactionMessage[] {
    // The kernel tells the new generation when the first message, whatever it does, asks for it
    // (nf_tables_gen_notify looks at that one).
    return this.#messages.map((m, i) =>
      i === 0 || m.op.endsWith('.new') ? { ...m, flags: m.flags | ECHO } : m,
    )
  }

  /**
   * What a failure is about, for people: `element 10.0.0.5 . 80 of map ip t m`. Empty when it is
   * about none of these messages.
   */
  describe(failure: Pick<WireFailure, 'message' | 'attribute'>): string {
    const subject =
      failure.message === undefined ? undefined : this.#subjects[failure.message]
    const position = /^elements\.(\d+)/.exec(failure.attribute)?.[1]
    return subject?.(position === undefined ? undefined : Number(position)) ?? ''
  }

  /**
   * The same where each `destroy` is a plain delete, or left out where `exists` (asked by position
   * of the message) says no.
   */
  withoutDestroy(exists: (message: number) => boolean): MessageList {
    const out = new MessageList()
    this.#messages.forEach((message, i) => {
      const destroys = message.op.endsWith('.destroy')
      if (destroys && !exists(i)) return
      const op = destroys ? message.op.replace(/destroy$/, 'del') : message.op
      out.push({ ...message, op }, this.#subjects[i] as Subject)
    })
    return out
  }
}
