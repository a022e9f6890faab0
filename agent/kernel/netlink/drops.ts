/**
 * What the kernel could not deliver to a netlink socket, counted message by message in /proc/net/netlink: ENOBUFS says
 * only that something was lost.
 */

import { readFileSync } from 'node:fs';

/**
 * The messages dropped for one socket, in the text of /proc/net/netlink; undefined when it is not listed. Columns are
 * found by the names in the first line.
 */
export function parseNetlinkDrops(text: string, protocol: number, portId: number): number | undefined {
  const [header = '', ...lines] = text.split('\n');
  const names = header.trim().split(/\s+/);
  const [protocolAt, portAt, dropsAt] = ['Eth', 'Pid', 'Drops'].map((name) => names.indexOf(name));
  for (const line of lines) {
    const columns = line.trim().split(/\s+/);
    if (Number(columns[protocolAt!]) !== protocol || Number(columns[portAt!]) !== portId) continue;
    const drops = Number(columns[dropsAt!]);
    return Number.isSafeInteger(drops) ? drops : undefined;
  }
  return undefined;
}

/** The messages dropped for a socket of this network namespace; undefined when it is not listed. @throws Error of fs */
export function readNetlinkDrops(socket: {
  readonly protocol: number;
  readonly portId: number;
}): number | undefined {
  return parseNetlinkDrops(readFileSync('/proc/net/netlink', 'latin1'), socket.protocol, socket.portId);
}
