import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Wire } from '../../test/drops/network.ts';
import { Ethtool, parseNames } from './ethtool.ts';

const root = process.getuid?.() === 0;

/** A table as the kernel fills it: 32 bytes a name, the rest of each zero. */
function table(names: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(names.length * 32);
  for (const [i, name] of names.entries()) bytes.write(name, i * 32, 32, 'latin1');
  return bytes;
}

describe('parseNames', () => {
  const printable = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
  });

  it('reads back what stands in a table, cut at 32 bytes', () => {
    fc.assert(
      fc.property(fc.array(printable), (names) => {
        expect(parseNames(table(names), names.length)).toEqual(names.map((name) => name.slice(0, 32)));
      }),
    );
  });

  it('takes any bytes, and yields whole and printable names alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(10), (bytes, count) => {
        const names = parseNames(bytes, count);
        expect(names).toHaveLength(Math.min(count, Math.floor(bytes.length / 32)));
        for (const name of names) expect(name).toMatch(/^[\x20-\x7e]{0,32}$/);
      }),
    );
  });

  it('leaves a name empty that is not printable', () => {
    expect(parseNames(table(['a', 'b\n', '\u00e9', 'd']), 4)).toEqual(['a', '', '', 'd']);
  });
});

describe('an interface without statistics', () => {
  it('tells of none, and neither does one that is not there', () => {
    using ethtool = new Ethtool();
    for (const name of ['lo', 'nosuchinterface', 'a-name-that-is-too-long-for-one', '']) {
      expect(ethtool.names(name, 3)).toEqual([]);
      expect(ethtool.read(name, 3)).toBe(false);
    }
    expect(ethtool.driver('nosuchinterface')).toBeUndefined();
    expect(ethtool.index('nosuchinterface')).toBe(0);
    expect(ethtool.index('lo')).toBe(Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8')));
  });

  it('is closed twice without harm', () => {
    const ethtool = new Ethtool();
    ethtool.close();
    expect(() => ethtool.close()).not.toThrow();
  });
});

describe.skipIf(!root)('a veth pair (needs root)', () => {
  let wire: Wire;
  beforeAll(() => {
    wire = new Wire('ethtool');
  });
  afterAll(() => wire[Symbol.dispose]());

  it('has names and values that belong together', () => {
    using ethtool = wire.within(wire.b, () => new Ethtool());
    const driver = ethtool.driver('b0');
    expect(driver?.name).toBe('veth');
    const names = ethtool.names('b0', driver!.statistics);
    expect(names).toHaveLength(driver!.statistics);
    expect(names[0]).toBe('peer_ifindex');
    expect(names).toContain('rx_queue_0_xdp_drops');
    expect(ethtool.read('b0', driver!.statistics)).toBe(true);
    const peer = wire.in(wire.a, 'ip', '-o', 'link', 'show', 'dev', 'a0').split(':')[0];
    expect(ethtool.values.getBigUint64(0, true)).toBe(BigInt(peer!));
  });

  it('yields nothing for another number than it has', () => {
    using ethtool = wire.within(wire.b, () => new Ethtool());
    const { statistics } = ethtool.driver('b0')!;
    expect(ethtool.names('b0', statistics + 1)).toEqual([]);
    expect(ethtool.read('b0', statistics - 1)).toBe(false);
    expect(ethtool.read('b0', statistics)).toBe(true);
  });

  it('is asked for in the namespace that the socket was opened in', () => {
    using here = new Ethtool();
    using there = wire.within(wire.b, () => new Ethtool());
    expect(here.index('b0')).toBe(0);
    expect(there.index('b0')).toBeGreaterThan(0);
  });
});
