/**
 * Programs that manage the host's network. Each has a folder below /run while it runs, and reads
 * settings from a folder there. Told of a NIC beneath a bridge of ours, it leaves both alone; what
 * is told there ends with a reboot, as the bridge does.
 */

/** What a manager is told of. */
export interface BridgedNic {
  readonly nic: string
  readonly bridge: string
}

/** A manager. Paths are below the folder of what runs. */
export interface Manager {
  readonly name: string
  /** There while it runs. */
  readonly sign: string
  /** Folder that it reads settings from. */
  readonly folder: string
  /** The end of a file's name there. */
  readonly ending: string
  /** The file that has it leave the links alone. */
  settings(links: BridgedNic): string
}

const HEADER =
  '# Made by vnet-cni while the NIC is beneath its bridge; "vnet-cni reset" removes it.'

/** Names of the host's ends of pods' wires, as managers write patterns. */
const PODS = 'azv*'

/**
 * systemd-networkd: when it starts, reloads or looks at a link anew, it takes the NIC out of the
 * bridge and gives it its addresses again; with `[Match] Name=*` the bridge and the pods' wires too.
 * The first file that fits a link is the one that counts, by name, whatever folder it is in.
 */
export const networkd: Manager = {
  name: 'systemd-networkd',
  sign: 'systemd/netif',
  folder: 'systemd/network',
  ending: '.network',
  settings: ({ nic, bridge }) =>
    [
      HEADER,
      '[Match]',
      `Name=${nic} ${bridge} ${PODS}`,
      '[Link]',
      'Unmanaged=yes',
      '[Network]',
      'KeepMaster=yes',
      '',
    ].join('\n'),
}

/**
 * NetworkManager: `managed` of a device is looked at when the program starts, and when a link
 * appears. It must not be told at once: a device that it manages and lets go of it also takes down.
 */
export const networkManager: Manager = {
  name: 'NetworkManager',
  sign: 'NetworkManager',
  folder: 'NetworkManager/conf.d',
  ending: '.conf',
  settings: ({ nic, bridge }) =>
    [
      HEADER,
      `[device-vnet-cni-${bridge}]`,
      `match-device=${[nic, bridge, PODS].map((link) => `interface-name:${link}`).join(',')}`,
      'managed=0',
      '',
    ].join('\n'),
}

/** Those that we know. */
export const MANAGERS: readonly Manager[] = [networkd, networkManager]
