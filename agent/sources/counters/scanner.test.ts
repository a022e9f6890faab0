import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scanner } from './scanner.ts';

function open(text: string): Scanner {
  const scanner = new Scanner();
  const bytes = Buffer.from(text);
  scanner.open(bytes, bytes.length);
  return scanner;
}

function decimal(text: string): bigint | null {
  const scanner = open(text);
  scanner.nextLine();
  if (!scanner.decimal()) return null;
  const value = BigInt(scanner.high) * 2n ** 32n + BigInt(scanner.low);
  return scanner.negative ? -value : value;
}

describe('Scanner', () => {
  it('reads every 64-bit number exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.boolean(), (value, negative) => {
        const text = negative ? `-${value}` : `${value}`;
        expect(decimal(` \t${text} 7`)).toBe(BigInt(text));
      }),
    );
  });

  it.each([
    ['0', 0n],
    ['00012', 12n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['18446744073709551616', null],
    ['99999999999999999999', null],
    ['123456789012345678901234567890', null],
    ['', null],
    ['-', null],
    ['--1', null],
    ['1x', null],
    ['0x10', null],
    ['1.5', null],
    ['+1', null],
  ])('reads %j as %s', (text, value) => {
    expect(decimal(text)).toBe(value);
  });

  it('reads hexadecimal words of up to 32 bits', () => {
    const hexadecimal = (text: string) => {
      const scanner = open(text);
      scanner.nextLine();
      return scanner.hexadecimal() ? scanner.low : null;
    };
    expect(['0000000c', 'ffffffff', 'DEADbeef', '100000000', 'g', '12g', ''].map(hexadecimal)).toEqual([
      12,
      2 ** 32 - 1,
      0xdeadbeef,
      null,
      null,
      null,
      null,
    ]);
  });

  it('splits any bytes into lines as text is split, within the length it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 60 }), (bytes, length) => {
        const noisy = bytes.map((byte) => (byte % 7 === 0 ? 0x0a : byte));
        const scanner = new Scanner();
        scanner.open(noisy, length);
        const lines: string[] = [];
        while (scanner.nextLine()) {
          lines.push(Buffer.from(noisy.slice(scanner.lineStart, scanner.lineEnd)).toString('latin1'));
        }
        const expected = Buffer.from(noisy.slice(0, length)).toString('latin1').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });
});
