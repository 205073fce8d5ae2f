/**
 * CNI_ARGS: `K=V;K=V`, what a runtime says about the container beside the config.
 */
import { CniCode, CniError, invalidEnvironment, show } from './errors.js'

/** The keys that Kubernetes, podman and the CNI conventions send. */
export const KNOWN_ARGS: readonly string[] = [
  'IgnoreUnknown',
  'IP',
  'MAC',
  'K8S_POD_NAME',
  'K8S_POD_NAMESPACE',
  'K8S_POD_INFRA_CONTAINER_ID',
  'K8S_POD_UID',
]

/**
 * Splits CNI_ARGS into a map. A key that is not known is an error (code 4) unless
 * `IgnoreUnknown` is 1 or true, and is in the map then like any other. The rules are those
 * of the Go library (`types.LoadArgs`), which every runtime is written against.
 */
export function parseArgs(
  text: string,
  known: readonly string[] = KNOWN_ARGS,
): Map<string, string> {
  const args = new Map<string, string>()
  if (text === '') return args
  for (const pair of text.split(';')) {
    const [key, value, ...more] = pair.split('=')
    if (!key || value === undefined || more.length > 0) {
      throw invalidEnvironment('CNI_ARGS', pair, 'write KEY=VALUE pairs joined by ";"')
    }
    args.set(key, value)
  }
  if (!isTrue(args.get('IgnoreUnknown') ?? 'false')) refuseUnknown(args, known)
  return args
}

function refuseUnknown(args: Map<string, string>, known: readonly string[]): void {
  const unknown = [...args.keys()].filter(
    (key) => key !== 'IgnoreUnknown' && !known.includes(key),
  )
  if (unknown.length === 0) return
  throw new CniError(
    CniCode.InvalidEnvironment,
    `CNI_ARGS: unknown keys ${unknown.map(show).join(', ')}: ` +
      `use ${known.join(', ')} or add IgnoreUnknown=1`,
  )
}

function isTrue(value: string): boolean {
  const lower = value.toLowerCase()
  if (lower === '1' || lower === 'true') return true
  if (lower === '0' || lower === 'false') return false
  throw invalidEnvironment('CNI_ARGS: IgnoreUnknown', value, 'use 1, true, 0 or false')
}
