import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Message, messagesOf } from './lines.ts';

function read(log: string, holes: readonly number[] = []): Message[] {
  return [...messagesOf(log, holes)];
}

const said = { text: 'eth0: link up', uptimeUs: 12_345_678, context: '', line: 0, hole: false };

describe('messages of a log', () => {
  it.each([
    ['a console', '[   12.345678] eth0: link up'],
    ['a console in colours', '\x1b[33m[   12.345678] \x1b[0m\x1b[1meth0: link up\x1b[0m'],
    ['a serial line', '[   12.345678] eth0: link up\r'],
    ['pstore, with the level', '<6>[   12.345678] eth0: link up'],
    ['syslog', 'Nov 28 19:14:12 web-17 kernel: [   12.345678] eth0: link up'],
    ['syslog, of a single-digit day', 'Nov  8 19:14:12 web-17 kernel: [   12.345678] eth0: link up'],
    ['rsyslog', '2026-11-28T19:14:12.123456+00:00 web-17 kernel: [   12.345678] eth0: link up'],
    ['syslog-ng', 'Nov 28 19:14:12 web-17 kern.info kernel: [   12.345678] eth0: link up'],
    ['the journal', '2026-11-28T19:14:12+0000 web-17 kernel: [   12.345678] eth0: link up'],
    ['dmesg -x', 'kern  :info  : [   12.345678] eth0: link up'],
    ['netconsole, extended', '6,416,12345678,-;eth0: link up'],
    ['netconsole, with more', '6,416,12345678,c,release=6.12.1;eth0: link up'],
    ['the journal, short-monotonic', '[   12.345678] web-17 kernel: eth0: link up'],
    ['a prompt', 'web-17 login: [   12.345678] eth0: link up'],
  ])('come without what stands before them: %s', (_, line) => {
    expect(read(line)).toEqual([said]);
  });

  it.each([
    ['the journal, short-full', 'Sat 2026-11-28 19:14:12 UTC web-17 kernel: eth0: link up'],
    ['dmesg --time-format iso', '2026-11-28T19:14:12,123456+00:00 eth0: link up'],
    ['dmesg -H', '[  +0.000005] eth0: link up'],
    ['dmesg -d', '[   12.345678 <    0.000005>] eth0: link up'],
    ['dmesg -T', '[Sat Nov 28 19:14:12 2026] eth0: link up'],
    ['the journal', 'Nov 28 19:14:12 web-17 kernel: eth0: link up'],
    ['syslogd, to everybody', ' kernel:eth0: link up'],
  ])("come without the kernel's clock where that is not told: %s", (_, line) => {
    expect(read(line)).toEqual([{ ...said, uptimeUs: 0 }]);
  });

  it('are missing where the console had to leave out some', () => {
    expect(read('** 40 printk messages dropped ** [   12.345678] eth0: link up')).toEqual([
      { text: '', uptimeUs: 0, context: '', line: 0, hole: true },
      said,
    ]);
  });

  it.each([
    ['[   12.345678][ T5643] eth0: link up', 'T5643'],
    ['<6>[   12.345678][    C0] eth0: link up', 'C0'],
    ['6,416,12345678,-,caller=T77;eth0: link up', 'T77'],
  ])('say who wrote them: %s', (line, context) => {
    expect(read(line)).toEqual([{ ...said, context }]);
  });

  it('keep their blanks in front, of which frames are made, and are left out when blank', () => {
    expect(read('[    1.000000]  foo+0x1/0x2  \n\n[    1.000001][  T9]  ? bar+0x1/0x2')).toEqual([
      { text: ' foo+0x1/0x2', uptimeUs: 1_000_000, context: '', line: 0, hole: false },
      { text: ' ? bar+0x1/0x2', uptimeUs: 1_000_001, context: 'T9', line: 2, hole: false },
    ]);
  });

  it('are told apart where two wrote on one line', () => {
    expect(read('[    1.000000] usb 1-1: new[    1.000002] ------------[ cut here ]------------')).toEqual([
      { text: 'usb 1-1: new', uptimeUs: 1_000_000, context: '', line: 0, hole: false },
      {
        text: '------------[ cut here ]------------',
        uptimeUs: 1_000_002,
        context: '',
        line: 0,
        hole: false,
      },
    ]);
  });

  it('are those at the end of a log that is too long', () => {
    const messages = read('a\n'.repeat(40_000));
    expect([messages.length, messages[0]?.line, messages.at(-1)?.line]).toEqual([32_768, 7232, 39_999]);
    const long = read(`${'x'.repeat(99)}\n`.repeat(20_000));
    expect([long.length, long[0]?.line, long.at(-1)?.line]).toEqual([10_485, 9515, 19_999]);
    expect(read(`${'y'.repeat(2 * 1024 * 1024)}`).map(({ text }) => text.length)).toEqual([4096]);
  });

  it('are none where something is missing', () => {
    expect(read('one\n[... 12 bytes are missing here ...]\ntwo', [1])).toEqual([
      { text: 'one', uptimeUs: 0, context: '', line: 0, hole: false },
      { text: '', uptimeUs: 0, context: '', line: 1, hole: true },
      { text: 'two', uptimeUs: 0, context: '', line: 2, hole: false },
    ]);
  });

  it('are bounded, and of lines that there are, whatever the log is', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('[    1.000000]', '[   T1] ', '6,1,2,-;', '\x1b[1m', '\n', '<6>', 'kernel: '),
    );
    fc.assert(
      fc.property(fc.array(noise), (parts) => {
        const log = parts.join('');
        const lines = log.split('\n').length;
        for (const { text, line } of read(log)) {
          expect(text.length).toBeLessThanOrEqual(4096);
          expect(line).toBeLessThan(lines);
          expect(text).not.toMatch(/[^\P{Cc}\t]/u);
        }
      }),
    );
  });
});
