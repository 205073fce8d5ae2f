/**
 * `vnet-cni reset`: the host as it was before the first pod.
 */
import { engineOf } from '../engine/engine.js'
import { attachedOwners, resetHost } from '../engine/reset.js'
import { EXIT, RefusedError, type Command } from './command.js'
import { logOf } from './log.js'

const USAGE = `[options]

  --force    also while pods are attached: they lose their network
  --dry-run  only tell whether pods are attached
  --json     print what was removed

Moves the host's addresses and routes back to its NICs, and removes bridges, nft tables
(azure_vnet_*) and state files. Exit code 3: refused, because pods are attached.
`

const SHOWN = 5

/** The command. */
export const reset: Command = {
  name: 'reset',
  summary: 'gives the host its network back and forgets all state',
  usage: USAGE,
  options: { force: { type: 'boolean' }, 'dry-run': { type: 'boolean' } },
  async run({ values, out, host }) {
    const engine = engineOf(host, logOf(out))
    const owners = await attachedOwners(engine)
    if (owners.length > 0 && !values['force']) throw refusal(owners)
    if (values['dry-run']) {
      out.line(
        owners.length > 0 ? `attached: ${owners.join(', ')}` : 'no pod is attached',
      )
      out.json({ attached: owners })
      return EXIT.ok
    }
    const removed: Record<string, string[]> = {}
    await resetHost(engine, (what, name) => {
      out.line(`removed ${what} ${name}`)
      const list = (removed[`${what}s`] ??= [])
      list.push(name)
    })
    if (Object.keys(removed).length === 0) out.line('nothing to remove')
    out.json({ removed })
    return EXIT.ok
  },
}

function refusal(owners: readonly string[]): RefusedError {
  const more = owners.length > SHOWN ? ` and ${owners.length - SHOWN} more` : ''
  return new RefusedError(
    `pods are attached: ${owners.slice(0, SHOWN).join(', ')}${more}: ` +
      'remove them first, or use --force',
  )
}
