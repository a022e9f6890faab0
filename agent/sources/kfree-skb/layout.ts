/**
 * Where the running kernel keeps what the program reads, out of its BTF.
 */

import { type Btf, BtfKind } from '../../kernel/btf.ts';

/** Offsets in bytes; the numbers of types are those of vmlinux's BTF. */
export interface Layout {
  /** The typedef that describes the tracepoint's arguments. */
  readonly tracepoint: number;
  /** Which argument the drop reason is: since Linux 5.17, else undefined. */
  readonly reasonArgument: number | undefined;
  /** In `struct sk_buff`. */
  readonly length: number;
  readonly protocol: number;
  readonly head: number;
  readonly end: number;
  /** `gso_segs` in `struct skb_shared_info`. */
  readonly segments: number;
  /** The cast that lets a program follow a pointer without calling a helper: since Linux 6.2, else undefined. */
  readonly readOnlyCast: { readonly function: number; readonly sharedInfo: number } | undefined;
}

/** A kernel whose BTF lacks what the program needs. The message names it. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
  readonly code = 'BTF_LACKS';
}

/** @throws LayoutError, BtfError */
export function readLayout(btf: Btf): Layout {
  const tracepoint = btf.find(BtfKind.typedef, 'btf_trace_kfree_skb');
  if (tracepoint === undefined) throw new LayoutError('this kernel has no tracepoint skb:kfree_skb');
  const parameters = btf.parameters(BtfKind.typedef, 'btf_trace_kfree_skb') ?? [];
  // The first parameter of the callback is its private data, which a program does not get.
  const reasonArgument = parameters.findIndex((parameter) => parameter.type === 'skb_drop_reason') - 1;
  const cast = btf.find(BtfKind.function, 'bpf_rdonly_cast');
  const sharedInfo = btf.find(BtfKind.struct, 'skb_shared_info');
  return {
    tracepoint,
    reasonArgument: reasonArgument < 0 ? undefined : reasonArgument,
    length: memberOffset(btf, 'sk_buff', 'len', 4),
    protocol: memberOffset(btf, 'sk_buff', 'protocol', 2),
    head: memberOffset(btf, 'sk_buff', 'head', 8),
    end: memberOffset(btf, 'sk_buff', 'end', 4),
    segments: memberOffset(btf, 'skb_shared_info', 'gso_segs', 2),
    readOnlyCast: cast === undefined || sharedInfo === undefined ? undefined : { function: cast, sharedInfo },
  };
}

/** Where a struct's member begins. @param size bytes it must have, if that matters. @throws LayoutError */
export function memberOffset(btf: Btf, struct: string, name: string, size?: number): number {
  const member = btf.member(struct, name);
  if (member === undefined) throw new LayoutError(`struct ${struct} has no member '${name}'`);
  if (size !== undefined && member.size !== size) {
    throw new LayoutError(`${struct}.${name} has ${member.size} bytes, not ${size}`);
  }
  return member.offset;
}
