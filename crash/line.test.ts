import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLine } from './line.ts';

describe('readLine', () => {
  it.each([
    ['[    0.000000] Linux version 6.12.9-amd64', 'Linux version 6.12.9-amd64', 0],
    [
      '[ 2555.654119] INFO: task sh:23119 blocked for more than 1 seconds.',
      'INFO: task sh:23119 blocked for more than 1 seconds.',
      2_555_654_119,
    ],
    ['[  483.563138][ T4115] [ BUG: Invalid wait context ]', '[ BUG: Invalid wait context ]', 483_563_138],
    [
      '[  209.190042][    C0] rcu: INFO: rcu_preempt self-detected stall on CPU',
      'rcu: INFO: rcu_preempt self-detected stall on CPU',
      209_190_042,
    ],
    [
      '<1>[   61.889077] BUG: unable to handle kernel NULL pointer dereference',
      'BUG: unable to handle kernel NULL pointer dereference',
      61_889_077,
    ],
    ['<0>Kernel panic - not syncing: Fatal exception', 'Kernel panic - not syncing: Fatal exception', 0],
    ['[12345678.000001] up for 142 days', 'up for 142 days', 12_345_678_000_001],
    // What is indented stays so.
    ['[   50.951287]  dump_stack+0x194/0x257', ' dump_stack+0x194/0x257', 50_951_287],
    [
      '** 93 printk messages dropped ** [  322.962139] BUG: KASAN: slab-out-of-bounds',
      'BUG: KASAN: slab-out-of-bounds',
      322_962_139,
    ],
    ['Call trace:', 'Call trace:', 0],
    ['[ BUG: bad unlock balance detected! ]', '[ BUG: bad unlock balance detected! ]', 0],
    ['[   50.95] no time of the kernel', '[   50.95] no time of the kernel', 0],
    ['', '', 0],
  ])('takes %j apart', (line, text, uptimeUs) => {
    expect(readLine(line)).toEqual({ text, uptimeUs });
  });

  it('gives back what printk put before any message', () => {
    const message = fc.string({ unit: 'grapheme' }).filter((text) => !/^[\s[<*]/.test(text));
    fc.assert(
      fc.property(
        message,
        fc.nat(99_999_999),
        fc.nat(999_999),
        fc.option(fc.nat(99_999)),
        (text, s, us, thread) => {
          const time = `[${String(s).padStart(5)}.${String(us).padStart(6, '0')}]`;
          const caller = thread === null ? '' : `[${`T${thread}`.padStart(6)}]`;
          expect(readLine(`${time}${caller} ${text}`)).toEqual({ text, uptimeUs: s * 1_000_000 + us });
        },
      ),
    );
  });

  it('takes any line for one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const { text, uptimeUs } = readLine(line);
        expect(line.endsWith(text)).toBe(true);
        expect(Number.isSafeInteger(uptimeUs)).toBe(true);
      }),
    );
  });
});
