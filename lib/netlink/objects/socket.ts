/**
 * Sockets of TCP and UDP in a namespace, whoever has them (linux/inet_diag.h, SOCK_DIAG_BY_FAMILY):
 * what ss(8) lists.
 */
import { orNone } from '../base/options.js'
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import { Names, type Family } from '../base/constants.js'
import { familyMember, integer, MemberTable, own } from '../base/members.js'
import { familyName } from '../base/prefix.js'
import { StepRef, type StepSink } from '../base/steps.js'

/** What sockets of a namespace can be listed. */
export type SocketProtocol = 'tcp' | 'udp'

/** IPPROTO_* (linux/in.h). */
const PROTOCOLS = { tcp: 6, udp: 17 } as const

/**
 * TCP_* (net/tcp_states.h). A UDP socket is `established` when it is connected, else `close`, which
 * ss(8) calls UNCONN: a bound one that waits for packets. `boundInactive` asks for TCP sockets that
 * are bound, and neither listen nor are connected (Linux 6.8); they are told as `close`.
 */
export type SocketState =
  | 'established'
  | 'synSent'
  | 'synReceived'
  | 'finWait1'
  | 'finWait2'
  | 'timeWait'
  | 'close'
  | 'closeWait'
  | 'lastAck'
  | 'listen'
  | 'closing'
  | 'newSynReceived'
  | 'boundInactive'

const states = new Names<SocketState>('states', {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
  boundInactive: 13,
})

/** Which sockets a dump means; absent members fit all. */
export interface SocketFilter {
  /** Both families when absent. An IPv6 socket may serve IPv4 too: see `onlyIpv6`. */
  readonly family?: Family
  /** What the sockets are in; any state but `boundInactive` when absent. */
  readonly states?: readonly SocketState[]
  /** Local port, 1 to 65535. */
  readonly localPort?: number
  /** Port of the other side, 1 to 65535. */
  readonly remotePort?: number
}

/** One end of a socket. */
export interface SocketEnd {
  /** `0.0.0.0` or `::` for any. */
  readonly address: string
  /** 0 for none. */
  readonly port: number
}

/** A socket. */
export interface InetSocket {
  /** The protocol that it speaks. */
  readonly protocol: SocketProtocol
  /** Family of the socket; one of IPv6 may carry IPv4 in addresses such as `::ffff:10.0.0.1`. */
  readonly family: Family
  /** What it is in. */
  readonly state: SocketState
  /** Its own address and port. */
  readonly local: SocketEnd
  /** The address and port that it is connected to. */
  readonly remote: SocketEnd
  /** Index of the interface that it is bound to (SO_BINDTODEVICE); absent for none. */
  readonly link?: number
  /** User who made it. */
  readonly uid: number
  /**
   * Number of its inode, by which /proc/PID/fd shows who has it; 0 when nobody has it: a connection
   * that was not accepted yet, or that was closed.
   */
  readonly inode: number
  /** Bytes that were not read yet; of a TCP listener the connections that were not accepted yet. */
  readonly receiveQueue: number
  /** Bytes that the other side has not acknowledged; of a TCP listener the most that may wait. */
  readonly sendQueue: number
  /** IPv6: it takes no IPv4 (IPV6_V6ONLY). */
  readonly onlyIpv6?: boolean
  /** SO_MARK; told to who has CAP_NET_ADMIN. */
  readonly mark?: number
  /** What names the socket as long as it is there; ss(8) prints it in hex (`sk:`). */
  readonly cookie: number
}

function mask(names: readonly SocketState[], field: string): number {
  if (!Array.isArray(names)) throw new ArgumentError(`${field}: give a list of states`)
  return names.reduce((bits, name) => bits | (1 << states.number(name)), 0)
}

const port = integer(1, 0xffff)

const FILTER = new MemberTable<SocketFilter>({
  family: familyMember,
  states: own,
  localPort: { ...port, at: 'sourcePort' },
  remotePort: { ...port, at: 'destinationPort' },
})

/** Bits of all states but `boundInactive`, which is for who asks for it. */
const ANY_STATE = 0x1ffe

interface WireSocket {
  family: number
  state: number
  sourcePort: number
  destinationPort: number
  source: string
  destination: string
  link: number
  uid: number
  inode: number
  receiveQueue: number
  sendQueue: number
  cookie: number
  onlyIpv6?: number
  mark?: number
}

function socketFromWire(protocol: SocketProtocol, wire: unknown): InetSocket {
  const w = wire as WireSocket
  return {
    protocol,
    family: familyName(w.family),
    state: states.name(w.state) as SocketState,
    local: { address: w.source, port: w.sourcePort },
    remote: { address: w.destination, port: w.destinationPort },
    ...(w.link && { link: w.link }),
    uid: w.uid,
    inode: w.inode,
    receiveQueue: w.receiveQueue,
    sendQueue: w.sendQueue,
    ...(w.onlyIpv6 !== undefined && { onlyIpv6: w.onlyIpv6 !== 0 }),
    ...(w.mark !== undefined && { mark: w.mark }),
    cookie: w.cookie,
  }
}

/** The verbs for sockets of one namespace in a plan. */
export class SocketVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Reads the sockets of a protocol, of all users: who listens where, who talks to whom. The kernel
   * looks for states and ports.
   *
   * The kernel does not tell when sockets come or go while a long list is read in parts, so it is
   * read until two readings are alike; NetlinkError EINTR when ten were not. Where thousands of
   * sockets come and go, ask for less (`states: ['listen']`).
   */
  dump(protocol: SocketProtocol, given?: SocketFilter): StepRef<InetSocket[]> {
    const filter = orNone(given)
    if (protocol !== 'tcp' && protocol !== 'udp') {
      throw new ArgumentError(`protocol: ${String(protocol)} is not one of tcp, udp`)
    }
    FILTER.check(filter, 'socket.dump')
    const args: { [key: string]: Wire } = {
      family: 0,
      protocol: PROTOCOLS[protocol],
      states: filter.states ? mask(filter.states, 'states') : ANY_STATE,
      ...FILTER.write(filter, {}),
    }
    const at = this.sink.add('socket.dump', args)
    return new StepRef(at, (wire) =>
      (wire as unknown[]).map((one) => socketFromWire(protocol, one)),
    )
  }

  /**
   * Reads the sockets that wait for others: of TCP those that listen, of UDP those that are bound
   * and not connected. Throws as `dump`.
   */
  listeners(
    protocol: SocketProtocol,
    given?: Omit<SocketFilter, 'states' | 'remotePort'>,
  ): StepRef<InetSocket[]> {
    const filter = orNone(given)
    const waiting: SocketState = protocol === 'udp' ? 'close' : 'listen'
    return this.dump(protocol, { ...filter, states: [waiting] })
  }
}
