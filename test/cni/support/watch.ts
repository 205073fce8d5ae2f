/** What the kernel tells of a VM's network while something is done. */
import { NetNs } from '../../../dist/esm/index.js'
import type { AzureHost } from '../../helpers/azure-host.js'

const MARKER = 'watch-ends'

/** A watch over links, addresses and routes of a VM. */
export interface Watch {
  /** Ends it; answers with what was told since it began, a line for each event. */
  stop(): Promise<string[]>
}

/** Begins to watch; what is told from now on counts. */
export function watchNetwork(host: AzureHost): Watch {
  const vm = NetNs.open(host.netnsPath)
  const events = vm.monitor(['link', 'address', 'route'])
  return {
    async stop() {
      // Its own event comes after all that was told before.
      await vm.link.addVeth({ name: MARKER }, { name: `${MARKER}-too` })
      const names = new Map<number, string>()
      for (const link of await vm.link.dump()) names.set(link.index, link.name)
      const on = (link?: number) => (link ? (names.get(link) ?? `link ${link}`) : '')
      const lines: string[] = []
      for await (const event of events) {
        if (event.kind === 'link') {
          names.set(event.link.index, event.link.name)
          if (event.link.name.startsWith(MARKER)) break
          lines.push(`link ${event.change} ${event.link.name}`)
        } else if (event.kind === 'address') {
          const { link, address } = event.address
          lines.push(`address ${event.change} ${address} ${on(link)}`)
        } else if (event.kind === 'route') {
          lines.push(`route ${event.change} ${event.route.to} ${on(event.route.link)}`)
        } else lines.push(event.kind)
      }
      await vm.link.del(MARKER)
      vm.close()
      return lines
    },
  }
}
