import { expect, test } from 'vitest';
import { parseAddress } from './listen.ts';

test.each([
  ['127.0.0.1:7070', { host: '127.0.0.1', port: 7070 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:443', { host: '::1', port: 443 }],
])('%s', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(['', '7070', ':7070', '127.0.0.1', '::1:7070', 'host:65536', 'host:-1', 'a b:1'])(
  '%j is no address',
  (text) => {
    expect(() => parseAddress(text)).toThrow(
      `${text} is no address to listen on: write HOST:PORT, e.g. 127.0.0.1:7070`,
    );
  },
);
