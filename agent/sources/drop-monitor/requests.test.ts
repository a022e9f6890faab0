import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageWriter } from '../../kernel/netlink/writer.ts';
import { readConfig, readStats, writeConfig, writeGet, writeSwitch } from './requests.ts';
import { configNew, FAMILY_ID, message, statsNew } from './testing/alert-writer.ts';
import { first, fromHex, toHex } from './testing/bytes.ts';
import { Command } from './wire.ts';

describe('the configuration and the statistics', () => {
  it('are read', () => {
    const config = fromHex(`
      2c000000 1c00 0000 01000000 39300000  07 02 0000
      0500 0100 01 000000  0800 0900 80000000  0800 0b00 e8030000`);
    expect(readConfig(config, first(config))).toEqual({
      mode: 'packet',
      truncationBytes: 128,
      queueLength: 1000,
    });
    const stats = fromHex(`
      34000000 1c00 0000 01000000 39300000  09 02 0000
      1000 0c00 0c00 0000 0500000000000000
      1000 0d00 0c00 0000 0000000001000000`);
    expect(readStats(stats, first(stats))).toEqual({ software: 5, hardware: 2 ** 32 });
  });

  it('are not believed when they are incomplete', () => {
    const unknownMode = configNew(2, 0, 0);
    expect(readConfig(unknownMode, first(unknownMode))).toBeUndefined();
    const empty = message(Command.configNew, () => {});
    expect(readConfig(empty, first(empty))).toBeUndefined();
    expect(readStats(empty, first(empty))).toBeUndefined();
    const header = fromHex('10000000 1c00 0000 00000000 00000000');
    expect(readConfig(header, first(header))).toBeUndefined();
  });

  it('come back as they were written', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const u53 = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });
    fc.assert(
      fc.property(fc.boolean(), u32, u32, u53, u53, (packet, truncationBytes, queueLength, a, b) => {
        const config = configNew(packet ? 1 : 0, truncationBytes, queueLength);
        const mode = packet ? 'packet' : 'summary';
        expect(readConfig(config, first(config))).toEqual({ mode, truncationBytes, queueLength });
        const stats = statsNew(a, b);
        expect(readStats(stats, first(stats))).toEqual({ software: Number(a), hardware: Number(b) });
      }),
    );
  });
});

describe('requests', () => {
  const writer = new MessageWriter();
  const family = { id: FAMILY_ID, version: 2 };

  it.each([
    [
      'a whole configuration',
      writeConfig,
      { mode: 'packet', truncationBytes: 96, queueLength: 5000 },
      '2c0000001c00000000000000000000000202000005000100010000000800090060000000' + '08000b0088130000',
    ],
    [
      'nothing but a queue length',
      writeConfig,
      { queueLength: 1 },
      '1c0000001c0000000000000000000000' + '02020000' + '08000b0001000000',
    ],
    ['no configuration, to probe', writeConfig, {}, '140000001c0000000000000000000000' + '02020000'],
  ] as const)('carry %s', (_, write, config, hex) => {
    expect(toHex(write(writer, family, config))).toBe(hex);
  });

  it.each([
    ['start', 'software', '180000001c0000000000000000000000' + '03020000' + '04001400'],
    ['start', 'hardware', '180000001c0000000000000000000000' + '03020000' + '04001500'],
    ['stop', 'software', '180000001c0000000000000000000000' + '04020000' + '04001400'],
    ['stop', 'hardware', '180000001c0000000000000000000000' + '04020000' + '04001500'],
  ] as const)('%s %s', (command, drops, hex) => {
    expect(toHex(writeSwitch(writer, family, command, drops))).toBe(hex);
  });

  it('ask', () => {
    const bare = (command: string) => `140000001c0000000000000000000000${command}020000`;
    expect(toHex(writeGet(writer, family, Command.configGet))).toBe(bare('06'));
    expect(toHex(writeGet(writer, family, Command.statsGet))).toBe(bare('08'));
  });
});
