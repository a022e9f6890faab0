import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KmsgRecord, MOST_KMSG_BYTES } from './kmsg.ts';
import { readLine } from './line.ts';

const record = new KmsgRecord();

/** What a record says; null when it is none. */
function read(bytes: Uint8Array) {
  if (!record.read(bytes, bytes.length)) return null;
  const { facility, seq, uptimeUs, text, textLength } = record;
  return { facility, seq, uptimeUs, text: Buffer.from(text.subarray(0, textLength)).toString('latin1') };
}

/** As dmesg prints it. */
function printed(bytes: Uint8Array, room = 2 * MOST_KMSG_BYTES): string {
  expect(record.read(bytes, bytes.length)).toBe(true);
  const into = Buffer.alloc(room);
  return into.toString('latin1', 0, record.print(into));
}

/** A message as the kernel writes it: msg_add_ext_text(). */
function escaped(text: Uint8Array): Buffer {
  const bytes = [...text].map((byte) =>
    byte < 0x20 || byte >= 0x7f || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  return Buffer.from(bytes.join(''), 'latin1');
}

describe('KmsgRecord', () => {
  it.each([
    // Of Linux 6.18 and 6.12; the last has properties.
    [
      '5,0,0,-;Linux version 6.18.44-fc-v857 (builder@sandboxing) (gcc (GCC) 15.3.0)\n',
      0,
      0,
      0,
      'Linux version 6.18.44-fc-v857 (builder@sandboxing) (gcc (GCC) 15.3.0)',
    ],
    [
      '3,357,2555654119,-;INFO: task sh:23119 blocked for more than 1 seconds.\n',
      0,
      357,
      2_555_654_119,
      'INFO: task sh:23119 blocked for more than 1 seconds.',
    ],
    [
      '1,1203,83201634,-,caller=T46;Unable to handle kernel NULL pointer dereference\n',
      0,
      1203,
      83_201_634,
      'Unable to handle kernel NULL pointer dereference',
    ],
    ['30,339,5140900,c;systemd[1]: Mounted a folder.\n', 3, 339, 5_140_900, 'systemd[1]: Mounted a folder.'],
    [
      '6,339,5140900,-,caller=T1,new=7;NET: Registered protocol family 10\n SUBSYSTEM=net\n DEVICE=n3\n',
      0,
      339,
      5_140_900,
      'NET: Registered protocol family 10',
    ],
    ['4,1,2,-;two\\x0alines and a \\x5c, \\xc3\\xa9\n', 0, 1, 2, 'two\nlines and a \\, \xc3\xa9'],
    ['4,1,2,-;\n', 0, 1, 2, ''],
    // No field of flags has less.
    ['12,9007199254740991,0,-;x', 1, Number.MAX_SAFE_INTEGER, 0, 'x'],
    // What is no escape stays.
    ['4,1,2,-;\\xg0 \\x4\n', 0, 1, 2, '\\xg0 \\x4'],
  ])('reads %j', (bytes, facility, seq, uptimeUs, text) => {
    expect(read(Buffer.from(bytes))).toEqual({ facility, seq, uptimeUs, text });
  });

  it.each([
    '',
    '\n',
    ' SUBSYSTEM=net\n',
    '6,339,5140900',
    '6,339,5140900;no flags',
    '6,339,5140900,-',
    '6,339,,-;a',
    '-6,3,4,-;a',
    '6 ,3,4,-;a',
    '6,9007199254740993,4,-;a',
    'x,3,4,-;a',
    '6,3,4.5,-;a',
  ])('refuses %j', (bytes) => {
    expect(read(Buffer.from(bytes))).toBeNull();
  });

  it('prints as dmesg does', () => {
    expect(printed(Buffer.from('6,1,5140900,-;NET: one\n'))).toBe('[    5.140900] NET: one\n');
    expect(printed(Buffer.from('6,1,0,-,caller=T1;NET: one\n'))).toBe('[    0.000000][    T1] NET: one\n');
    expect(printed(Buffer.from('6,1,12345678000001,-,caller=C127;\n'))).toBe('[12345678.000001][  C127] \n');
    expect(printed(Buffer.from('6,1,5140900,-,caller=T4115;a\\x0a\\x0ab\\x0a\n'))).toBe(
      '[    5.140900][ T4115] a\n[    5.140900][ T4115] \n[    5.140900][ T4115] b\n',
    );
    // A caller that is too long is left out.
    expect(printed(Buffer.from('6,1,5140900,-,caller=T12345678901;a'))).toBe('[    5.140900] a\n');
  });

  it('cuts what has no room', () => {
    expect(printed(Buffer.from(`6,1,1000000,-;${'a'.repeat(100)}`), 64)).toBe(
      `[    1.000000] ${'a'.repeat(48)}\n`,
    );
    expect(printed(Buffer.from(`6,1,1000000,-;${'a\\x0a'.repeat(40)}`), 64)).toMatch(
      /^(\[ {4}1\.000000\] a\n){3}$/,
    );
  });

  it('gives the first line, as far as is asked', () => {
    expect(record.read(Buffer.from('4,1,2,-;caf\\xc3\\xa9\\x0asecond'), 100)).toBe(true);
    expect(record.firstLine(100)).toBe('café');
    expect(record.firstLine(3)).toBe('caf');
    // Of a longer message before.
    record.read(Buffer.from('4,1,2,-;ab'), 100);
    expect(record.firstLine(100)).toBe('ab');
  });

  it('gives back any message', () => {
    const properties = fc.constantFrom('', ' SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(255),
        fc.nat(),
        fc.nat({ max: 9_999_999_999_999 }),
        fc.option(fc.nat(4_194_304)),
        properties,
        (text, priority, seq, uptimeUs, thread, rest) => {
          const caller = thread === null ? '' : `,caller=T${thread}`;
          const head = Buffer.from(`${priority},${seq},${uptimeUs},-${caller};`);
          const bytes = Buffer.concat([head, escaped(text), Buffer.from(`\n${rest}`)]);
          const facility = priority >> 3;
          const expected = Buffer.from(text).toString('latin1');
          expect(read(bytes)).toEqual({ facility, seq, uptimeUs, text: expected });
          const lines = printed(bytes).slice(0, -1).split('\n').map(readLine);
          expect(lines.map((line) => line.text).join('\n')).toBe(expected.replace(/\n$/, ''));
          for (const line of lines) expect(line.uptimeUs).toBe(uptimeUs);
        },
      ),
    );
  });

  it('takes any bytes', () => {
    const piece = fc.constantFrom(
      '6',
      ',',
      ';',
      '-',
      '\\x',
      '\\x0a',
      '\n',
      'caller=',
      'T1',
      ' ',
      '9'.repeat(20),
    );
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.array(piece).map((pieces) => Buffer.from(pieces.join(''))),
    );
    fc.assert(
      fc.property(bytes, fc.nat(100), (input, length) => {
        if (!record.read(input, length)) return;
        const { facility, seq, uptimeUs, textLength } = record;
        expect([facility, seq, uptimeUs].every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(
          true,
        );
        expect(textLength).toBeLessThanOrEqual(Math.min(length, input.length));
        const into = new Uint8Array(64);
        const end = record.print(into);
        expect(end).toBeLessThanOrEqual(into.length);
        expect(into[end - 1]).toBe(0x0a);
      }),
    );
  });
});
