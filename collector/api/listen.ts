/** Addresses to listen on, and what to say when one cannot be had. */
import type { AddressInfo } from 'node:net';

export type ListenErrorCode = 'bad_address' | 'taken' | 'forbidden' | 'not_here' | 'failed';

/** The address cannot be listened on, in words that name it and the mend. */
export class ListenError extends Error {
  readonly code: ListenErrorCode;
  constructor(code: ListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
    this.code = code;
  }
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads "HOST:PORT" or "[IPV6]:PORT". Throws ListenError `bad_address`. */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new ListenError(
      'bad_address',
      `${text} is no address to listen on: write HOST:PORT, e.g. 127.0.0.1:7070`,
    );
  }
  return { host, port };
}

/** What is needed of a server. */
interface Listener {
  listen(address: Address): Promise<string>;
  readonly server: { address(): AddressInfo | string | null };
}

/** Listens, and returns the URL. Throws ListenError. */
export async function listen(server: Listener, address: Address): Promise<string> {
  try {
    await server.listen(address);
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, address);
  }
  const bound = server.server.address();
  const port = typeof bound === 'object' && bound ? bound.port : address.port;
  return `http://${format({ host: address.host, port })}`;
}

function explain(error: NodeJS.ErrnoException, address: Address): Error {
  const name = format(address);
  const say = (code: ListenErrorCode, message: string) => new ListenError(code, message, { cause: error });
  switch (error.code) {
    case 'EADDRINUSE':
      return say(
        'taken',
        `${name} is taken by another process: stop that or choose another with --listen HOST:PORT`,
      );
    case 'EACCES':
      return say(
        'forbidden',
        `${name} may not be listened on: choose a port above 1023 with --listen HOST:PORT`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say('not_here', `${name} is no address of this machine: choose another with --listen HOST:PORT`);
    default:
      return say(
        'failed',
        `cannot listen on ${name} (${error.message}): choose another with --listen HOST:PORT`,
      );
  }
}

function format({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
