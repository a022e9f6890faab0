import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSymbol, showsAddresses } from './kallsyms.ts';

const LISTING = Buffer.from(`\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000100 t first.isra.0
ffffffff81000200 D data_is_no_code
ffffffff81000300 T second
not a line
ffffffffc0001000 t in_module\t[nf_tables]
ffffffffc0000000 t in_other\t[veth]
`);

describe('findSymbol', () => {
  it.each([
    [0xffffffff81000100n, { name: 'first.isra.0', offset: 0, size: 0x200, module: '' }],
    [0xffffffff810002ffn, { name: 'first.isra.0', offset: 0x1ff, size: 0x200, module: '' }],
    [0xffffffffc0000010n, { name: 'in_other', offset: 0x10, size: 0x1000, module: 'veth' }],
    [0xffffffffc0001010n, { name: 'in_module', offset: 0x10, size: 0, module: 'nf_tables' }],
  ])('finds %#', (address, symbol) => {
    expect(findSymbol(LISTING, address)).toEqual(symbol);
  });

  it('finds nothing before the first symbol and far behind the last', () => {
    expect(findSymbol(LISTING, 0xffffffff80ffffffn)).toBeUndefined();
    expect(findSymbol(LISTING, 0xffffffffd0000000n)).toBeUndefined();
    expect(findSymbol(new Uint8Array(0), 1n)).toBeUndefined();
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (bytes, address) => {
          const symbol = findSymbol(bytes, address);
          if (symbol !== undefined) expect(symbol.offset).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

describe('showsAddresses', () => {
  it('tells a hidden listing from a shown one', () => {
    expect(showsAddresses(LISTING)).toBe(true);
    expect(showsAddresses(Buffer.from('0000000000000000 T _stext\n0000000000000000 t first\n'))).toBe(false);
    expect(showsAddresses(new Uint8Array(0))).toBe(false);
  });
});
