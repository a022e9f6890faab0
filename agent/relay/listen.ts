/** Where a relay listens, as text and as sockets take it. Pure. */
import { parsePrefix } from '../capture/prefix.ts';

export interface ListenAddress {
  /** 128 bits, IPv4 as in ::ffff:0:0/96; all zero for every address of both families. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** Reads `10.0.0.1:2004` or `[::]:2004`. @throws TypeError */
export function parseListen(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const prefix = parsePrefix(bracketed ?? plain ?? '');
  const port = Number(digits);
  if (!prefix || port > 65_535) {
    throw new TypeError(
      `${text} is no address to listen on: write ADDRESS:PORT, such as [::]:2004 or 10.0.0.1:2004`,
    );
  }
  const address = new Uint8Array(16);
  if (prefix.address.length === 16) address.set(prefix.address);
  else address.set([0xff, 0xff, ...prefix.address], 10);
  return { address, port };
}
