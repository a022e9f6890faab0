/**
 * Where the running kernel keeps what a sample tells beyond its drop's kind, out of its BTF.
 */

import type { Btf } from '../../../kernel/btf.ts';
import { memberOffset } from '../layout.ts';

/** Offsets in bytes. */
export interface SampleLayout {
  /** In `struct sk_buff`. */
  readonly data: number;
  readonly tail: number;
  readonly macHeader: number;
  readonly networkHeader: number;
  readonly arrivedOn: number;
  readonly device: number;
  readonly socket: number;
  /** The network namespace of a socket and of a device, and the inode that it is known by. */
  readonly socketNamespace: number;
  readonly deviceNamespace: number;
  readonly namespaceInode: number;
  readonly deviceIndex: number;
}

/** @throws LayoutError, BtfError */
export function readSampleLayout(btf: Btf): SampleLayout {
  return {
    data: memberOffset(btf, 'sk_buff', 'data', 8),
    tail: memberOffset(btf, 'sk_buff', 'tail', 4),
    macHeader: memberOffset(btf, 'sk_buff', 'mac_header', 2),
    networkHeader: memberOffset(btf, 'sk_buff', 'network_header', 2),
    arrivedOn: memberOffset(btf, 'sk_buff', 'skb_iif', 4),
    device: memberOffset(btf, 'sk_buff', 'dev', 8),
    socket: memberOffset(btf, 'sk_buff', 'sk', 8),
    // A `possible_net_t`, which holds nothing but the pointer.
    socketNamespace: memberOffset(btf, 'sock_common', 'skc_net', 8),
    deviceNamespace: memberOffset(btf, 'net_device', 'nd_net', 8),
    namespaceInode: memberOffset(btf, 'net', 'ns') + memberOffset(btf, 'ns_common', 'inum', 4),
    deviceIndex: memberOffset(btf, 'net_device', 'ifindex', 4),
  };
}
