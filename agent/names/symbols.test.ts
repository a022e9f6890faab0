import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListedSymbols, parseSymbol } from './symbols.ts';

describe('parseSymbol', () => {
  it.each([
    ['__udp4_lib_rcv+0x4bc/0xd00', { function: '__udp4_lib_rcv', offset: 0x4bc, size: 0xd00, module: '' }],
    [
      'nft_do_chain+0x10/0x5a0 [nf_tables]',
      { function: 'nft_do_chain', offset: 16, size: 0x5a0, module: 'nf_tables' },
    ],
    ['ip_rcv_core.isra.0+0x1/0x2', { function: 'ip_rcv_core', offset: 1, size: 2, module: '' }],
    ['f.constprop.0.cold+0x1/0x2 [m]', { function: 'f', offset: 1, size: 2, module: 'm' }],
    ['f+0x1/0x2 [m 0123456789abcdef]', { function: 'f', offset: 1, size: 2, module: 'm' }],
  ])('reads %s', (text, location) => {
    expect(parseSymbol(text)).toEqual(location);
  });

  it.each([
    '',
    '0xffffffff81234567',
    '(null)',
    'f',
    'f+0x1',
    'f+1/2',
    'f+0x1/0x2 m',
    'f+0x1/0x2 [m',
    'f+0x100000000/0x200000000',
    'a b+0x1/0x2',
  ])('names nothing in %j', (text) => {
    expect(parseSymbol(text)).toBeUndefined();
  });

  it('reads back whatever a kernel may print', () => {
    const name = fc.stringMatching(/^[A-Za-z_$][A-Za-z0-9_$]{0,60}$/);
    const suffix = fc.constantFrom('', '.isra.0', '.part.12', '.cold', '.llvm.123456');
    fc.assert(
      fc.property(
        name,
        suffix,
        fc.nat(2 ** 30),
        fc.nat(2 ** 30),
        fc.option(name),
        (f, cut, offset, size, module) => {
          const place = module === null ? '' : ` [${module}]`;
          const text = `${f}${cut}+0x${offset.toString(16)}/0x${size.toString(16)}${place}`;
          expect(parseSymbol(text)).toEqual({ function: f, offset, size, module: module ?? '' });
        },
      ),
    );
  });

  it('answers for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const location = parseSymbol(text);
        if (location !== undefined) expect(location.function).not.toBe('');
      }),
    );
  });
});

describe('ListedSymbols', () => {
  it('reads the listing anew for each batch of addresses', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kallsyms-'));
    const path = join(directory, 'kallsyms');
    const symbols = new ListedSymbols(path);
    writeFileSync(path, 'ffffffff81000000 t old.isra.0\nffffffff81000040 t end\n');
    expect(symbols.resolve(0xffffffff81000008n)).toEqual({
      function: 'old',
      offset: 8,
      size: 0x40,
      module: '',
    });
    writeFileSync(path, 'ffffffffc0000000 t loaded\t[veth]\n');
    expect(symbols.resolve(0xffffffffc0000001n)).toBeUndefined();
    symbols.endBatch();
    expect(symbols.resolve(0xffffffffc0000001n)).toEqual({
      function: 'loaded',
      offset: 1,
      size: 0,
      module: 'veth',
    });
    expect(symbols.resolve(0xffffffff81000008n)).toBeUndefined();
    rmSync(directory, { recursive: true });
  });
});
