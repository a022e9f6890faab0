/**
 * The part of the drop program that passes over what is not of one network namespace. It must not know how drops are
 * counted.
 *
 * A packet is where its receiving socket is; else where its device is; else where the socket is that it was sent by. In
 * this order, for a packet that crossed over to another namespace may still belong to its sender's socket.
 */

import { statSync } from 'node:fs';
import { type Assembler, type Register, r0, r4, r5 } from '../../kernel/bpf/assembler.ts';
import { type Btf, BtfKind } from '../../kernel/btf.ts';
import { memberOffset } from './layout.ts';
import { FIRST_NAMESPACE } from './samples/sample.ts';

/** Offsets in bytes. */
export interface NamespaceLayout {
  /** Which of the tracepoint's arguments the receiving socket is: since Linux 6.11, else undefined. */
  readonly receiverArgument: number | undefined;
  /** In `struct sk_buff`. */
  readonly device: number;
  readonly socket: number;
  /** The network namespace of a socket and of a device, and the inode that it is known by. */
  readonly socketNamespace: number;
  readonly deviceNamespace: number;
  readonly inode: number;
}

/** A namespace, and where the kernel has what tells it. */
export interface OnlyNamespace {
  readonly layout: NamespaceLayout;
  readonly inode: number;
}

/** @throws LayoutError, BtfError */
export function readNamespaceLayout(btf: Btf): NamespaceLayout {
  const parameters = btf.parameters(BtfKind.typedef, 'btf_trace_kfree_skb') ?? [];
  // The first parameter of the callback is its private data, which a program does not get.
  const receiver = parameters.findIndex(({ type }) => type === 'sock') - 1;
  return {
    receiverArgument: receiver < 0 ? undefined : receiver,
    device: memberOffset(btf, 'sk_buff', 'dev', 8),
    socket: memberOffset(btf, 'sk_buff', 'sk', 8),
    // A `possible_net_t`, which holds nothing but the pointer.
    socketNamespace: memberOffset(btf, 'sock_common', 'skc_net', 8),
    deviceNamespace: memberOffset(btf, 'net_device', 'nd_net', 8),
    inode: memberOffset(btf, 'net', 'ns') + memberOffset(btf, 'ns_common', 'inum', 4),
  };
}

/** The network namespace that this thread is in. @throws Error when /proc is not to be had. */
export function ownNamespace(root: string): number {
  return statSync(`${root}/proc/thread-self/ns/net`).ino;
}

/**
 * Goes on at `end` unless the packet is of that namespace. Uses r0, r4 and r5.
 * @param context holds the tracepoint's arguments; kept, as `skb` is.
 */
export function passOverOthers(
  b: Assembler,
  { layout, inode }: OnlyNamespace,
  context: Register,
  skb: Register,
): void {
  const namespace = r0;
  if (layout.receiverArgument !== undefined) {
    b.ldx(64, r5, context, layout.receiverArgument * 8);
    b.jeq(r5, 0, 'no receiver');
    b.ldx(64, r5, r5, layout.socketNamespace);
    b.jeq(r5, 0, 'no receiver');
    b.ldx(32, namespace, r5, layout.inode);
    b.jump('namespace known');
    b.label('no receiver');
  }
  // The device shares its place with other members: where it is stale, the kernel reads zeros, or anything.
  b.ldx(64, r5, skb, layout.device);
  b.jeq(r5, 0, 'ask the sender');
  b.ldx(64, r5, r5, layout.deviceNamespace);
  b.jeq(r5, 0, 'ask the sender');
  b.ldx(32, namespace, r5, layout.inode);
  b.mov(r4, FIRST_NAMESPACE | 0);
  b.clearUpper(r4);
  b.jgt(r4, namespace, 'ask the sender');
  b.jump('namespace known');
  b.label('ask the sender');
  b.ldx(64, r5, skb, layout.socket);
  b.jeq(r5, 0, 'end');
  b.ldx(64, r5, r5, layout.socketNamespace);
  b.jeq(r5, 0, 'end');
  b.ldx(32, namespace, r5, layout.inode);
  b.label('namespace known');
  b.mov(r4, inode | 0);
  b.clearUpper(r4);
  b.jne(namespace, r4, 'end');
}
