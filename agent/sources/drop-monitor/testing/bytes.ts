/** Messages as tests write them down: in hexadecimal, white space ignored. */

import { MessageCursor } from '../../../kernel/netlink/message.ts';

export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A cursor on the first message. */
export function first(slab: Uint8Array): MessageCursor {
  const cursor = new MessageCursor(slab);
  cursor.reset(0, slab.length);
  if (!cursor.next()) throw new Error('there is no message');
  return cursor;
}
