/** What is known of a dropped packet beside its bytes. Must not know which source it comes from. */

export interface DropLabel {
  /** The running kernel's name of it; empty for drops in hardware. */
  readonly reason: string;
  /** Where the packet was dropped, as the kernel's symbol; empty when it was not resolved. */
  readonly function: string;
  /** Bytes into the function. */
  readonly offset: number;
  /** Devlink's name; empty for drops in software. */
  readonly trap: string;
  /** The name of the one that the packet came in on; empty when it is not known. */
  readonly interface: string;
}

/**
 * The packet's comments in a capture, one for each thing that is known. Wireshark finds packets by a whole comment:
 * `frame.comment == "reason=NO_SOCKET"`.
 */
export function dropComments(drop: DropLabel): string[] {
  const comments: string[] = [];
  if (drop.reason !== '') comments.push(`reason=${drop.reason}`);
  if (drop.function !== '') comments.push(`function=${drop.function}+0x${drop.offset.toString(16)}`);
  if (drop.trap !== '') comments.push(`trap=${drop.trap}`);
  if (drop.interface !== '') comments.push(`interface=${drop.interface}`);
  return comments;
}
