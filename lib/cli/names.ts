/**
 * Names that the options of attach and detach give. Each function throws UsageError that names the
 * option, the value and the cure.
 */
import { identifierRule, interfaceRule, type NameRule } from '../cni/spec/names.js'
import { optional, UsageError, type Values } from './command.js'

/** `--container`: undefined when it is not given. */
export function containerOption(values: Values): string | undefined {
  return named(values, 'container', identifierRule)
}

/** `--ifname`: undefined when it is not given. */
export function ifnameOption(values: Values): string | undefined {
  return named(values, 'ifname', interfaceRule)
}

function named(values: Values, option: string, rule: NameRule): string | undefined {
  const value = optional(values, option)
  if (value === undefined || rule.fits(value)) return value
  throw new UsageError(`--${option} ${value} is not valid: ${rule.cure}`)
}

/** A pod as `--pod NAMESPACE/NAME` tells it. */
export interface PodName {
  readonly namespace: string
  readonly name: string
  /** Both, as they were given. */
  readonly text: string
}

/** `--pod`: undefined when it is not given. */
export function podOption(values: Values): PodName | undefined {
  const text = optional(values, 'pod')
  if (text === undefined) return undefined
  const [namespace, name, ...more] = text.split('/')
  // CNI_ARGS, where they go, has no way to write these two.
  if (!namespace || !name || more.length > 0 || /[;=]/.test(text)) {
    throw new UsageError(`--pod ${text} is not valid: use NAMESPACE/NAME`)
  }
  return { namespace, name, text }
}
