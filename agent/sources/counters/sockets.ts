/**
 * The sockets that lost packets: UDP, listening TCP, raw and packet sockets, in this network namespace and the others.
 *
 * They are listed by sock_diag: a UDP socket costs a seventh of what its line in /proc/net/udp does, and listeners and
 * packet sockets have no such line. Those of IP are listed only when a namespace's counters say that one lost something.
 * Raw sockets are read from their files, for few kernels list them otherwise.
 */
import { join } from 'node:path';
import type { SocketDrops } from '@netfall/proto';
import { formatIpv4, formatIpv6 } from '../../inventory/addresses.ts';
import { NO_HOLDER, SocketHolders } from '../../inventory/socket-holders.ts';
import { KernelError } from '../../kernel/libc.ts';
import {
  AddressFamily,
  IpProtocol,
  type ListedSocket,
  SocketDiag,
  type SocketQuery,
  SocketState,
} from '../../kernel/netlink/socket-diag.ts';
import { withinNetworkNamespace } from '../../kernel/network-namespace.ts';
import type { Collector } from '../../source.ts';
import { type FileBuffer, MOST_BUFFER_BYTES } from './files.ts';
import type { OtherNamespace } from './namespaces.ts';
import type { CounterReader } from './reader.ts';
import { SocketFile } from './socket-file.ts';
import { type Room, SocketLosses } from './socket-losses.ts';

interface Kind {
  readonly protocol: string;
  /** Whether one of {@link LOSSES} grows with each packet that such a socket loses. */
  readonly counted: boolean;
  readonly query?: SocketQuery;
  /** Its file, for where sock_diag is not to be had. */
  readonly file?: string;
}

const { ipv4, ipv6, packet } = AddressFamily;
const { udp, tcp } = IpProtocol;
const { any, listen } = SocketState;

const KINDS: readonly Kind[] = [
  { protocol: 'UDP', counted: true, query: { family: ipv4, protocol: udp, states: any }, file: 'udp' },
  { protocol: 'UDPv6', counted: true, query: { family: ipv6, protocol: udp, states: any }, file: 'udp6' },
  { protocol: 'TCP', counted: true, query: { family: ipv4, protocol: tcp, states: listen } },
  { protocol: 'TCPv6', counted: true, query: { family: ipv6, protocol: tcp, states: listen } },
  { protocol: 'raw', counted: false, file: 'raw' },
  { protocol: 'raw6', counted: false, file: 'raw6' },
  { protocol: 'packet', counted: false, query: { family: packet } },
];

/** Counters that grow when a socket loses something. */
const LOSSES: ReadonlySet<string> = new Set(['UdpInErrors', 'Udp6InErrors', 'TcpExtListenDrops']);

/** Sockets remembered, and told of in one reading. Those beyond are counted as `sockets_full`. */
const MOST_SOCKETS = 16_384;
const MOST_ROWS = 1024;
/** Readings take at most this part of the time; one that would take more waits, and loses nothing. */
const SHARE = 1 / 200;
const NEWLINE = 0x0a;

type Losses = readonly SocketLosses[];

interface Row {
  readonly inode: number;
  readonly row: SocketDrops;
}

export class SocketReader implements CounterReader {
  readonly #root: string;
  readonly #buffer: FileBuffer;
  readonly #nowUs: () => number;
  readonly #others: () => Iterable<OtherNamespace>;
  readonly #holders: SocketHolders;
  readonly #diag: SocketDiag | undefined;
  readonly #file = new SocketFile();
  readonly #room: Room = { left: MOST_SOCKETS };
  readonly #own: Losses;
  /** By the namespace's inode. */
  readonly #theirs = new Map<number, Losses>();
  /** Namespaces whose counters said since the last reading that a socket lost something. */
  readonly #lost = new Set<string>(['']);
  /** Kinds that this kernel does not list by sock_diag. */
  readonly #unlisted = new Set<Kind>();
  #mayEnter = true;
  #rows: Row[] = [];
  #readUs = Number.NEGATIVE_INFINITY;
  #pauseUs = 0;

  /**
   * @param root stands in for `/`: anywhere else there are files alone. @param nowUs any clock.
   * @param others the namespaces beside the agent's own, as of their last reading.
   */
  constructor(root: string, buffer: FileBuffer, nowUs: () => number, others: () => Iterable<OtherNamespace>) {
    this.#root = root;
    this.#buffer = buffer;
    this.#nowUs = nowUs;
    this.#others = others;
    this.#holders = new SocketHolders(root, nowUs);
    this.#diag = root === '/' ? openDiag() : undefined;
    this.#own = this.#newLosses();
  }

  /** Passes on what all readers say, of which this one has to be the last, and notes where sockets lost something. */
  watch(into: Collector): Collector {
    return {
      drop: (row) => into.drop(row),
      counter: (name, iface, delta, namespace = '') => {
        if (LOSSES.has(name)) this.#lost.add(namespace);
        into.counter(name, iface, delta, namespace);
      },
      wantsSample: (reason, fn) => into.wantsSample(reason, fn),
      ...(into.socket && { socket: (row) => into.socket?.(row) }),
      sample: (sample) => into.sample(sample),
      loss: (hop, count) => into.loss(hop, count),
    };
  }

  read(into: Collector): void {
    const nowUs = this.#nowUs();
    if (Math.abs(nowUs - this.#readUs) < this.#pauseUs) return;
    this.#rows = [];
    this.#readKinds(this.#own, join(this.#root, 'proc/net'), this.#diag, this.#lost.has(''), into);
    this.#readOthers(into);
    this.#lost.clear();
    this.#report(into);
    this.#readUs = this.#nowUs();
    this.#pauseUs = (this.#readUs - nowUs) / SHARE;
  }

  close(): void {
    this.#diag?.close();
  }

  #readOthers(into: Collector): void {
    const present = new Set<number>();
    for (const namespace of this.#others()) {
      present.add(namespace.inode);
      let losses = this.#theirs.get(namespace.inode);
      const lost = losses === undefined || this.#lost.has(namespace.name);
      if (!losses) {
        losses = this.#newLosses();
        this.#theirs.set(namespace.inode, losses);
      }
      this.#readOther(namespace, losses, lost, into);
    }
    for (const [inode, losses] of this.#theirs) {
      if (present.has(inode)) continue;
      for (const each of losses) each.clear();
      this.#theirs.delete(inode);
    }
  }

  /** Goes to the namespace only where its files do not do. */
  #readOther({ path, entered }: OtherNamespace, losses: Losses, lost: boolean, into: Collector): void {
    const folder = join(this.#root, path, '../../net');
    const mayRead = !entered;
    if (mayRead && !(this.#mayEnter && (lost || this.#hasPacketSockets(folder)))) {
      this.#readKinds(losses, folder, undefined, lost, into);
      return;
    }
    if (!this.#mayEnter) return;
    try {
      withinNetworkNamespace(join(this.#root, path), () => {
        const there = '/proc/thread-self/net';
        using diag = lost || this.#hasPacketSockets(there) ? openDiag() : undefined;
        this.#readKinds(losses, there, diag, lost, into);
      });
    } catch (error) {
      // Else the namespace has just gone, or what stood for it is none.
      if (error instanceof KernelError && error.code === 'EPERM') this.#mayEnter = false;
    }
  }

  /** /proc/net/packet names such sockets, below a heading, but not what they lost. */
  #hasPacketSockets(folder: string): boolean {
    const length = this.#buffer.read(join(folder, 'packet'));
    const heading = this.#buffer.bytes.indexOf(NEWLINE);
    return heading >= 0 && heading < length - 1;
  }

  #readKinds(
    losses: Losses,
    folder: string,
    diag: SocketDiag | undefined,
    lost: boolean,
    into: Collector,
  ): void {
    for (const [i, kind] of KINDS.entries()) {
      if (kind.counted && !lost) continue;
      const known = losses[i] as SocketLosses;
      const visit = (socket: ListedSocket) => this.#put(kind.protocol, known, socket, into);
      try {
        const malformed = this.#listed(kind, diag, visit) ?? this.#filed(kind, folder, visit, into);
        if (malformed === undefined) continue;
        if (malformed > 0) into.loss('malformed', malformed);
        const refused = known.end();
        if (refused > 0) into.loss('sockets_full', refused);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        // What was listed before stays known and is told of; what was not is found the next time.
        into.loss('unreadable', 1);
      }
    }
  }

  /** Returns how much was malformed; undefined when sock_diag does not list the kind here. */
  #listed(
    kind: Kind,
    diag: SocketDiag | undefined,
    visit: (socket: ListedSocket) => void,
  ): number | undefined {
    if (!diag || !kind.query || this.#unlisted.has(kind)) return undefined;
    try {
      return diag.list(kind.query, visit);
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== 'ENOENT') throw error;
      this.#unlisted.add(kind);
      return undefined;
    }
  }

  /** The same of the kind's file. One that is cut is left alone: what is missing in it has not gone. */
  #filed(
    { file }: Kind,
    folder: string,
    visit: (socket: ListedSocket) => void,
    into: Collector,
  ): number | undefined {
    const length = file === undefined ? -1 : this.#buffer.read(join(folder, file));
    if (length < 0) return undefined;
    if (length < MOST_BUFFER_BYTES) return this.#file.list(this.#buffer.bytes, length, visit);
    into.loss('file_cut', 1);
    return undefined;
  }

  #put(protocol: string, known: SocketLosses, socket: ListedSocket, into: Collector): void {
    const drops = known.put(socket.inode, socket.drops);
    if (drops === 0) return;
    if (this.#rows.length >= MOST_ROWS) {
      into.loss('sockets_full', 1);
      return;
    }
    const row = {
      ...NO_HOLDER,
      protocol,
      local_address: textOf(socket.address()),
      local_port: socket.port,
      drops,
    };
    this.#rows.push({ inode: socket.inode, row });
  }

  #report(into: Collector): void {
    if (!into.socket || this.#rows.length === 0) return;
    if (!this.#holders.find(this.#rows.map(({ inode }) => inode))) into.loss('holders_cut', 1);
    for (const { inode, row } of this.#rows) into.socket({ ...row, ...this.#holders.of(inode) });
  }

  #newLosses(): Losses {
    return KINDS.map(() => new SocketLosses(this.#room));
  }
}

function openDiag(): SocketDiag | undefined {
  try {
    return new SocketDiag();
  } catch {
    return undefined;
  }
}

function textOf(address: Uint8Array): string {
  if (address.length === 0) return '';
  if (address.length === 16) return formatIpv6(address);
  return formatIpv4(new DataView(address.buffer, address.byteOffset).getUint32(0, false));
}
